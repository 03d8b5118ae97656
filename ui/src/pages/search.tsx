// Search over everything that was said and done. The address holds the whole question, so that it can be sent to others.

import { Button, Select, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, Search } from 'lucide-react'
import { useState } from 'react'
import type { HitView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import { now } from '../logic/clock'
import { type Facet, facets, save, toCsv } from '../logic/finding'
import { whole } from '../logic/times'
import { Answer, Empty, Heading } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'

const HITS = 50
const DAY = 86_400_000
const SINCE: Record<string, number> = { '1d': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '365d': 365 * DAY }
const FIELDS = ['person', 'target', 'table', 'kind'] as const

type Question = { q?: string; person?: string; target?: string; table?: string; kind?: string; since?: string }

export function SearchPage() {
  const asked = useSearch({ strict: false }) as Question
  const navigate = useNavigate()
  const set = (more: Partial<Question>) => {
    const next = Object.fromEntries(Object.entries({ ...asked, ...more }).filter(([, value]) => value))
    void navigate({ to: '.', search: next, replace: true })
  }
  const found = useInfiniteQuery({
    queryKey: ['search', asked],
    queryFn: ({ pageParam }) => got(api.search({ query: { ...query(asked), before: pageParam, limit: HITS } })),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => (last.next ? Number(last.next) : undefined),
  })
  const hits = found.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <Heading title="Search" lead="Statements, reasons, votes and events. Each hit was checked against the log.">
        <Button
          variant="default"
          leftSection={<Download size={13} />}
          disabled={!hits.length}
          onClick={() => save('daypass-search.csv', 'text/csv', toCsv(hits))}
        >
          CSV
        </Button>
        <Button
          variant="default"
          leftSection={<Download size={13} />}
          disabled={!hits.length}
          onClick={() => save('daypass-search.json', 'application/json', JSON.stringify(hits, null, 1))}
        >
          JSON
        </Button>
      </Heading>
      <Asking asked={asked} set={set} />
      <div className="search">
        <aside aria-label="Narrow down">
          {facets(hits).map((facet) => (
            <FacetList key={facet.name} facet={facet} chosen={asked[facet.name]} set={set} />
          ))}
        </aside>
        <div className="card">
          <Answer of={found}>
            {() =>
              hits.length === 0 ? (
                <Empty title="Nothing was found">
                  Words must all be there; “in quotes” they stand next to each other, and refund* is a beginning.
                </Empty>
              ) : (
                hits.map((hit) => <Hit key={hit.id} hit={hit} />)
              )
            }
          </Answer>
          {found.hasNextPage && (
            <div className="pad">
              <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
                More
              </Button>
            </div>
          )}
        </div>
      </div>
    </>
  )
}

function query(asked: Question) {
  const length = asked.since ? SINCE[asked.since] : undefined
  const since = asked.since && /^\d{9,}$/.test(asked.since) ? Number(asked.since) : length && Math.floor(now() - length)
  return { q: asked.q ?? '', ...pick(asked), since: since || undefined }
}

const pick = (asked: Question) =>
  Object.fromEntries(FIELDS.flatMap((field) => (asked[field] ? [[field, asked[field]]] : []))) as Partial<
    Record<(typeof FIELDS)[number], string>
  >

function Asking({ asked, set }: { asked: Question; set: (more: Partial<Question>) => void }) {
  const [typed, setTyped] = useState(asked.q ?? '')
  return (
    <form
      style={{ display: 'flex', gap: 8, marginBottom: 14, flexWrap: 'wrap' }}
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        set({ q: typed })
      }}
    >
      <TextInput
        className="grow"
        style={{ minWidth: 220 }}
        aria-label="What to look for"
        placeholder='delete from customers · "INC-7" · refund*'
        leftSection={<Search size={15} />}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {FIELDS.map((field) => (
        <TextInput
          key={`${field}${asked[field] ?? ''}`}
          style={{ width: 120 }}
          aria-label={field}
          placeholder={field}
          defaultValue={asked[field]}
          onBlur={(event) =>
            event.currentTarget.value !== (asked[field] ?? '') && set({ [field]: event.currentTarget.value })
          }
        />
      ))}
      <Select
        style={{ width: 130 }}
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
      <Button type="submit" size="sm">
        Search
      </Button>
    </form>
  )
}

type FacetProps = { facet: Facet; chosen: string | undefined; set: (more: Partial<Question>) => void }

function FacetList({ facet, chosen, set }: FacetProps) {
  return (
    <div style={{ marginBottom: 14 }}>
      <h3 style={{ margin: '0 0 3px' }}>{facet.name}</h3>
      {facet.values.map((one) => (
        <button
          type="button"
          key={one.value}
          className="facet"
          aria-pressed={chosen === one.value}
          onClick={() => set({ [facet.name]: chosen === one.value ? '' : one.value })}
        >
          <span className="cut grow">
            <Said line text={one.label} />
          </span>
          <span className="faint num">{one.count}</span>
        </button>
      ))}
    </div>
  )
}

function Hit({ hit }: { hit: HitView }) {
  const said = hit.said.text ?? Object.values(hit.said).filter(told).join(' · ')
  return (
    <div className="row" style={{ alignItems: 'flex-start' }}>
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
          <To to={`/sessions/${hit.session}`}>session</To>
        ) : (
          hit.request && <To to={`/requests/${hit.request}`}>request</To>
        )}{' '}
        <To to={`/log/${hit.index}`}>#{hit.index}</To>
      </div>
    </div>
  )
}

/** Whether a value is something that a person wrote, and no digest. */
const told = (value: string): boolean => value !== '' && !/^[0-9a-f]{64}$/.test(value)
