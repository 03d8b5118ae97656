// Search over everything that was said and done. The address holds the whole question, so that it can be sent to others.

import { Button, Select, TextInput } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, Search, X } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { FacetsView, FacetView, HitView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import { now } from '../logic/clock'
import { FIELDS, type Question, query, save, span, toCsv } from '../logic/finding'
import { whole } from '../logic/times'
import { told as tellOf } from '../parts/doing'
import { Hits } from '../parts/listing'
import { Empty, Heading, Wrong } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'

const HITS = 50
const NEWEST_MS = 15_000
const SAVED_PAGE = 100
/** Hits of one file. More are asked for with the command line, or narrower. */
const SAVED_MAX = 5000

type Set = (more: Partial<Question>) => void

export function SearchPage() {
  const asked = useSearch({ strict: false }) as Question
  const navigate = useNavigate()
  const set: Set = (more) => {
    const next = Object.fromEntries(Object.entries({ ...asked, ...more }).filter(([, value]) => value))
    void navigate({ to: '.', search: next, replace: true })
  }
  const found = useInfiniteQuery({
    queryKey: ['search', asked],
    queryFn: ({ pageParam }) => got(api.search({ query: { ...query(asked, now()), before: pageParam, limit: HITS } })),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => (last.next ? Number(last.next) : undefined),
    // The newest are kept current; who reads on behind them is left in peace.
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? NEWEST_MS : false),
  })
  const counted = useQuery({
    queryKey: ['search', 'facets', asked],
    queryFn: () => got(api.countHits({ query: query(asked, now()) })),
    placeholderData: (before) => before,
  })
  const hits = found.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <Heading title="Search" lead="Statements, reasons, votes and events. Each hit was checked against the log.">
        <SaveButton asked={asked} name="CSV" disabled={!hits.length} />
        <SaveButton asked={asked} name="JSON" disabled={!hits.length} />
      </Heading>
      <Asking key={JSON.stringify({ ...asked, q: '' })} asked={asked} set={set} />
      <div className="search">
        <aside aria-label="Narrow down">
          {counted.error && !found.error && <Wrong error={counted.error} again={() => void counted.refetch()} />}
          {counted.data && (
            <details open={matchMedia('(min-width: 761px)').matches}>
              <summary className="small strong">Narrow down</summary>
              <Facets counted={counted.data} asked={asked} set={set} />
            </details>
          )}
        </aside>
        <Hits
          of={found}
          label="Hits"
          height={64}
          item={(hit) => <Hit hit={hit} />}
          empty={
            <Empty title="Nothing was found">
              Words must all be there; “in quotes” they stand next to each other, and refund* is a beginning.
            </Empty>
          }
        />
      </div>
    </>
  )
}

/** Every hit, up to a number that a file can sensibly have, however many are on the page. */
async function everyHit(asked: Question): Promise<HitView[]> {
  const all: HitView[] = []
  let before: number | undefined
  while (all.length < SAVED_MAX) {
    const page = await got(api.search({ query: { ...query(asked, now()), before, limit: SAVED_PAGE } }))
    all.push(...page.items)
    if (!page.next) break
    before = Number(page.next)
  }
  return all
}

function SaveButton({ asked, name, disabled }: { asked: Question; name: 'CSV' | 'JSON'; disabled: boolean }) {
  const [busy, setBusy] = useState(false)
  async function act(): Promise<void> {
    setBusy(true)
    try {
      const hits = await everyHit(asked)
      if (name === 'CSV') save('daypass-search.csv', 'text/csv', toCsv(hits))
      else save('daypass-search.json', 'application/json', JSON.stringify(hits, null, 1))
    } catch (error) {
      tellOf(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Button
      variant="default"
      leftSection={<Download size={13} />}
      disabled={disabled}
      loading={busy}
      title={`the newest ${SAVED_MAX.toLocaleString('en-GB')} hits at most`}
      onClick={() => void act()}
    >
      {name}
    </Button>
  )
}

function Asking({ asked, set }: { asked: Question; set: Set }) {
  const [typed, setTyped] = useState(asked.q ?? '')
  useEffect(() => setTyped(asked.q ?? ''), [asked.q])
  const range = /^\d+$/.test(asked.since ?? '') || asked.until
  return (
    <form
      className="asking"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        const given = new FormData(event.currentTarget)
        set({ q: typed, ...Object.fromEntries(FIELDS.map((field) => [field, String(given.get(field) ?? '')])) })
      }}
    >
      <TextInput
        className="grow"
        aria-label="What to look for"
        placeholder='words, "in quotes", refund*'
        leftSection={<Search size={15} />}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <Button type="submit" size="sm">
        Search
      </Button>
      <div className="break" />
      {FIELDS.map((field) => (
        <TextInput
          key={field}
          name={field}
          className="field"
          aria-label={field}
          placeholder={field}
          defaultValue={asked[field]}
        />
      ))}
      {range ? (
        <Button
          variant="default"
          rightSection={<X size={13} />}
          aria-label="any time again"
          onClick={() => set({ since: '', until: '' })}
        >
          {[asked.since, asked.until]
            .map((at) => (at ? new Date(Number(at)).toISOString().slice(0, 10) : '…'))
            .join(' to ')}
        </Button>
      ) : (
        <Select
          className="field"
          aria-label="since"
          placeholder="any time"
          clearable
          value={asked.since ?? null}
          onChange={(since) => set({ since: since ?? '' })}
          data={[
            { value: '1d', label: 'last day' },
            { value: '7d', label: 'last week' },
            { value: '30d', label: 'last month' },
            { value: '365d', label: 'last year' },
          ]}
        />
      )}
    </form>
  )
}

function Facets({ counted, asked, set }: { counted: FacetsView; asked: Question; set: Set }) {
  const hits = counted.hits.toLocaleString('en-GB')
  return (
    <>
      <p className="small faint" style={{ margin: '0 0 10px' }}>
        {counted.state === 'WHOLE' ? `${hits} hits` : `counted are the newest ${hits} hits`}
      </p>
      {counted.facets.map((facet) => (
        <FacetList key={facet.name} facet={facet} asked={asked} set={set} />
      ))}
    </>
  )
}

/** What choosing a value puts into the address, and whether it stands there. */
function choice(name: FacetView['name'], value: string, asked: Question): { chosen: boolean; more: Partial<Question> } {
  if (name === 'time') {
    const { since, until } = span(value)
    const chosen = asked.since === since && asked.until === until
    return { chosen, more: chosen ? { since: '', until: '' } : { since, until } }
  }
  const chosen = asked[name] === value
  return { chosen, more: { [name]: chosen ? '' : value } }
}

function FacetList({ facet, asked, set }: { facet: FacetView; asked: Question; set: Set }) {
  return (
    <section style={{ marginBottom: 14 }} aria-label={facet.name}>
      <h3 style={{ margin: '0 0 3px' }}>{facet.name}</h3>
      {facet.values.map((one) => {
        const { chosen, more } = choice(facet.name, one.value, asked)
        return (
          <button type="button" key={one.value} className="facet" aria-pressed={chosen} onClick={() => set(more)}>
            <span className="cut grow">
              <Said line text={one.label} />
            </span>
            <span className="faint num">{one.count.toLocaleString('en-GB')}</span>
          </button>
        )
      })}
      {facet.more > 0 && <div className="tiny faint">and {facet.more.toLocaleString('en-GB')} more</div>}
    </section>
  )
}

function Hit({ hit }: { hit: HitView }) {
  const said = hit.said.text ?? Object.values(hit.said).filter(told).join(' · ')
  return (
    <div className="row hit">
      <div className="grow">
        <div className="small" style={{ display: 'flex', gap: 8, flexWrap: 'wrap' }}>
          <span className="strong">{hit.person?.name ?? 'Daypass'}</span>
          <span className="faint">{hit.type.replace('.', ' ')}</span>
          {hit.target && <span>{hit.target}</span>}
          {hit.kind && <span className="faint">{hit.kind}</span>}
          {hit.tables.length > 0 && <span className="faint mono tiny">{hit.tables.join(' ')}</span>}
          {hit.state === 'DAMAGED' && <State state="DAMAGED" />}
          {hit.body === 'ERASED' && <State state="ERASED" tone="calm" />}
          {hit.body === 'ENCRYPTED' && <State state="ENCRYPTED" tone="calm" />}
        </div>
        {said && (
          <div className={hit.type.startsWith('statement') ? 'sql' : ''} style={{ marginTop: 3 }}>
            <Said text={said} most={600} />
          </div>
        )}
      </div>
      <div className="tiny faint" style={{ textAlign: 'right', whiteSpace: 'nowrap' }}>
        <div title={whole(hit.t)}>
          <Ago at={hit.t} />
        </div>
        {hit.session ? (
          <To to={`/sessions/${hit.session}`} search={statementOf(hit)}>
            session
          </To>
        ) : (
          hit.request && <To to={`/requests/${hit.request}`}>request</To>
        )}{' '}
        <To to={`/log/${hit.index}`}>#{hit.index}</To>
      </div>
    </div>
  )
}

/** Which statement of its session a hit is about, for going to its place in the recording. */
function statementOf(hit: HitView): Record<string, string> {
  try {
    const n = (JSON.parse(hit.entry) as { body?: { statement?: number } }).body?.statement
    return n === undefined ? {} : { n: String(n) }
  } catch {
    return {}
  }
}

/** Whether a value is something that a person wrote, and no digest. */
const told = (value: string): boolean => value !== '' && !/^[0-9a-f]{64}$/.test(value)
