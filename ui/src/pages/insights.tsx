// Named questions over what happened: all of them at a glance, and one with its chart, its groups and its rows. What is
// asked stands in the address.

import { Button, Select, TextInput } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Download, X } from 'lucide-react'
import { lazy, Suspense, useCallback, useMemo, useState } from 'react'
import type { AnswerView, QuestionView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { csv } from '../logic/csv'
import { save } from '../logic/finding'
import { type Asked, change, figure, heading, isoDay, LASTS, narrowest, width } from '../logic/insights'
import { length, whole } from '../logic/times'
import { Chart } from '../parts/chart'
import { Do } from '../parts/doing'
import { Listing } from '../parts/listing'
import { Answer, Empty, Heading, Section, Waiting } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { To } from '../parts/to'

const Counting = lazy(() => import('../parts/counting'))
const FILE_ROWS = 10_000

export function InsightsPage() {
  const { name } = useParams({ strict: false }) as { name?: string }
  return name ? <One key={name} name={name} /> : <All />
}

function useAsked(): [Asked, (more: Partial<Asked>) => void] {
  const asked = useSearch({ strict: false }) as Asked
  const navigate = useNavigate()
  const set = (more: Partial<Asked>) => {
    const next = Object.fromEntries(Object.entries({ ...asked, ...more }).filter(([, value]) => value !== undefined))
    void navigate({ to: '.', search: next as never, replace: true })
  }
  return [asked, set]
}

const periodOf = ({ last, from, to }: Asked): Record<string, string> =>
  Object.fromEntries(Object.entries({ last, from, to }).filter(([, value]) => value)) as Record<string, string>

function All() {
  const [asked, set] = useAsked()
  const questions = useQuery(asking.questions)
  return (
    <>
      <Heading
        title="Insights"
        lead="Named questions over what happened, so that the next access can be smaller. Each number has one definition, the same number of as long a time before, and the rows that it is made of."
      >
        <PeriodChoice asked={asked} set={set} />
      </Heading>
      <Answer of={questions}>
        {(found) => (
          <div className="grid-cards">
            {found.map((one) => (
              <Card key={one.id} question={one} asked={asked} />
            ))}
          </div>
        )}
      </Answer>
    </>
  )
}

function Card({ question, asked }: { question: QuestionView; asked: Asked }) {
  const answer = useQuery(asking.insight(question.id, periodOf(asked)))
  return (
    <article className="card pad insight" aria-label={question.title}>
      <To to={`/insights/${question.id}`} search={periodOf(asked)} className="cover">
        {question.title}
      </To>
      <Answer of={answer} rows={1}>
        {(found) => <Figures found={found} />}
      </Answer>
      <p className="tiny faint">{question.definition}</p>
    </article>
  )
}

function Figures({ found }: { found: AnswerView }) {
  const off = change(found.unit, found.number, found.former)
  return (
    <div className="figures">
      <span className="figure num">{figure(found.unit, found.number)}</span>
      <span className="small faint num">
        {found.number === null ? 'nothing to take it of' : `before: ${figure(found.unit, found.former)}`}
        {off && off !== 'as before' && `, ${off}`}
      </span>
    </div>
  )
}

function PeriodChoice({ asked, set }: { asked: Asked; set: (more: Partial<Asked>) => void }) {
  const days = Boolean(asked.from || asked.to)
  return (
    <>
      <Select
        size="xs"
        style={{ width: 138 }}
        aria-label="Period"
        allowDeselect={false}
        value={days ? 'days' : (asked.last ?? '30d')}
        onChange={(value) => {
          const before = isoDay(Date.now() - 7 * 86_400_000)
          if (value === 'days') set({ last: undefined, from: before, to: isoDay(Date.now()) })
          else set({ last: value ?? undefined, from: undefined, to: undefined })
        }}
        data={[
          ...LASTS.map((one) => ({ value: one, label: `last ${one.slice(0, -1)} days` })),
          { value: 'days', label: 'from … to' },
        ]}
      />
      {days && (
        <>
          <Day label="From" value={asked.from} set={(from) => set({ from })} />
          <Day label="To" value={asked.to} set={(to) => set({ to })} />
        </>
      )}
    </>
  )
}

function Day({ label, value, set }: { label: string; value: string | undefined; set: (day: string) => void }) {
  return (
    <TextInput
      size="xs"
      type="date"
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => event.currentTarget.value && set(event.currentTarget.value)}
    />
  )
}

function One({ name }: { name: string }) {
  const [asked, set] = useAsked()
  const answer = useQuery(asking.insight(name, asked))
  return (
    <>
      <Heading title={answer.data?.title ?? 'Insights'} lead={answer.data?.definition}>
        <PeriodChoice asked={asked} set={set} />
      </Heading>
      <p className="small" style={{ marginTop: -8 }}>
        <To to="/insights" search={periodOf(asked)}>
          all questions
        </To>
      </p>
      <Answer of={answer}>{(found) => <Whole found={found} set={set} />}</Answer>
    </>
  )
}

function Whole({ found, set }: { found: AnswerView; set: (more: Partial<Asked>) => void }) {
  const unit = found.unit
  const said = useCallback((number: number | null) => figure(unit, number), [unit])
  const points = useMemo(() => found.series.map(({ t, number }) => ({ t, number })), [found.series])
  return (
    <>
      <section className="card pad" aria-label="The number" style={{ marginBottom: 22 }}>
        <Figures found={found} />
        <p className="small faint" style={{ margin: '2px 0 10px' }}>
          {whole(found.since)} to {whole(found.until)}, over {found.count.toLocaleString('en-GB')}
          {found.about === 'me' && ', of your own access'}; before that {found.former_count.toLocaleString('en-GB')}
        </p>
        {found.only && (
          <Button
            variant="light"
            size="compact-xs"
            mb="xs"
            rightSection={<X size={12} />}
            onClick={() => set({ only: undefined })}
            aria-label={`everything, not only ${found.only}`}
          >
            only {heading(found.by)}: <Said line text={found.only} most={60} />
          </Button>
        )}
        <Chart
          points={points}
          former={found.former}
          figure={said}
          bars={unit === 'count'}
          said={`${found.title} by ${found.step_ms > 86_400_000 ? 'week' : 'day'}; the table below says the same`}
        />
        <SeriesTable found={found} />
        <Exactly />
      </section>
      <Groups found={found} set={set} />
      <Rows found={found} />
    </>
  )
}

/** The docs' own words (docs/insights.md). */
function Exactly() {
  const [open, setOpen] = useState(false)
  return (
    <details className="small" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What is counted exactly</summary>
      {open && (
        <Suspense fallback={<Waiting rows={2} />}>
          <Counting />
        </Suspense>
      )}
    </details>
  )
}

function SeriesTable({ found }: { found: AnswerView }) {
  return (
    <details className="small">
      <summary>The chart as a table</summary>
      <div style={{ maxHeight: 260, overflow: 'auto' }} tabIndex={0} role="group" aria-label="The chart as a table">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">{found.step_ms > 86_400_000 ? 'week of' : 'day'} (UTC)</th>
              <th scope="col">number</th>
              <th scope="col">over</th>
            </tr>
          </thead>
          <tbody>
            {found.series.map((one) => (
              <tr key={one.t}>
                <td className="num">{isoDay(one.t)}</td>
                <td className="num">{figure(found.unit, one.number)}</td>
                <td className="num">{one.count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

function Groups({ found, set }: { found: AnswerView; set: (more: Partial<Asked>) => void }) {
  const questions = useQuery(asking.questions)
  const ways = questions.data?.find((one) => one.id === found.id)?.by ?? [found.by]
  const most = Math.max(...found.groups.map((one) => one.number ?? 0), 0)
  return (
    <Section
      title={`By ${heading(found.by)}`}
      note={
        ways.length > 1 && (
          <span style={{ display: 'inline-flex', gap: 8 }}>
            {ways
              .filter((one) => one !== found.by)
              .map((one) => (
                <button type="button" className="link" key={one} onClick={() => set({ by: one, only: undefined })}>
                  by {heading(one)}
                </button>
              ))}
          </span>
        )
      }
    >
      <div className="card groups" role="group" tabIndex={0} aria-label={`By ${heading(found.by)}`}>
        {found.groups.length === 0 && <Empty title="Nothing in this period" />}
        {found.groups.map((one) => (
          <button
            type="button"
            key={one.key}
            className="facet group-row"
            aria-pressed={found.only === one.key}
            onClick={() => set({ by: found.by, only: found.only === one.key ? undefined : one.key })}
          >
            <span className="cut grow">
              <Said line text={one.key || '(none)'} />
            </span>
            <span className="bar hide-phone" style={{ width: 140, alignSelf: 'center' }} aria-hidden="true">
              <i style={{ width: `${most > 0 ? (100 * (one.number ?? 0)) / most : 0}%` }} />
            </span>
            <span className="num strong cell">{figure(found.unit, one.number)}</span>
            <span className="num faint cell">before {figure(found.unit, one.former)}</span>
            <span className="num faint cell hide-phone">over {one.count}</span>
          </button>
        ))}
      </div>
    </Section>
  )
}

type Row = AnswerView['rows'][number]

function Rows({ found }: { found: AnswerView }) {
  const rows = useInfiniteQuery(asking.insightRows(found.id, found.by, found.only, found.since, found.until))
  const files = (media: string, made: (all: Row[]) => string, ending: string) => async () => {
    const all = await everyRow(found)
    save(`daypass-${found.id}.${ending}`, media, made(all))
  }
  return (
    <Section
      title="The rows behind it"
      note={
        <span style={{ display: 'inline-flex', gap: 6, alignItems: 'center' }}>
          {found.rows_count.toLocaleString('en-GB')}
          <Do
            variant="default"
            size="compact-xs"
            leftSection={<Download size={12} />}
            disabled={found.rows_count === 0}
            act={files('text/csv', (all) => csv(found.columns, all), 'csv')}
          >
            CSV
          </Do>
          <Do
            variant="default"
            size="compact-xs"
            leftSection={<Download size={12} />}
            disabled={found.rows_count === 0}
            act={files('application/json', (all) => JSON.stringify(all, null, 1), 'json')}
          >
            JSON
          </Do>
        </span>
      }
    >
      <Listing
        of={rows}
        label="The rows behind it"
        rowHeight={38}
        height="60dvh"
        narrowest={narrowest(found.columns)}
        columns={found.columns.map((name) => ({
          name: heading(name),
          width: width(name),
          cell: (row: Row) => cell(name, row[name]),
        }))}
        empty={<Empty title="No rows">Nothing in this period made the number; choose a longer one above.</Empty>}
      />
    </Section>
  )
}

/** All rows of the answer, as many at once as the server gives. */
async function everyRow(found: AnswerView): Promise<Row[]> {
  const all: Row[] = []
  const asked = {
    since: found.since,
    until: found.until,
    by: found.by,
    only: found.only ?? undefined,
    limit: FILE_ROWS,
  }
  for (let skip: number | undefined = 0; skip !== undefined; ) {
    const part: AnswerView = await got(api.askInsight({ path: { name: found.id }, query: { ...asked, skip } }))
    all.push(...part.rows)
    skip = part.next ? Number(part.next) : undefined
  }
  return all
}

function cell(name: string, value: string | number | null | undefined) {
  if (value === null || value === undefined || value === '') return <span className="faint">–</span>
  if (name === 'at') return <span className="small num">{whole(Number(value))}</span>
  if (name.endsWith('_ms')) return <span className="small num">{length(Number(value))}</span>
  if (name === 'request') return <To to={`/requests/${value}`}>request</To>
  if (name === 'example') return <To to={`/log/${value}`}>#{value}</To>
  if (name === 'state') return <State state={String(value)} />
  if (name === 'grant') return <span className="mono tiny">{String(value).slice(-8)}</span>
  return (
    <span className="small cut" style={{ display: 'block' }}>
      <Said line text={String(value)} />
    </span>
  )
}
