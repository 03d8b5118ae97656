// What a changed policy would do: whether it loads, whether its cases hold, and what it would have decided otherwise.

import { Button, Select } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Check, X } from 'lucide-react'
import { useState } from 'react'
import type { DiffersView, SimulatedView, TriedView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import { Listing } from './listing'
import { Answer, Empty, Wrong } from './page'
import { Said } from './said'
import { State } from './state'
import { Ago } from './time'
import { To } from './to'

export const tried = (text: string) => ({
  queryKey: ['policy', 'tried', text],
  queryFn: () => got(api.tryPolicy({ body: { text } })),
  enabled: text.trim() !== '',
})

export function Tried({ text }: { text: string }) {
  const found = useQuery(tried(text))
  return <Answer of={found}>{(one) => <Cases found={one} />}</Answer>
}

/** Whether it would load, and each of its cases. */
export function Cases({ found }: { found: TriedView }) {
  const failed = found.cases.filter((one) => one.state === 'FAILED').length
  return (
    <div role="status" aria-label="What came of trying it">
      {found.state === 'LOADS' ? (
        <p className="small" style={{ margin: 0 }}>
          <State state="LOADS" tone="good" /> It would load
          {found.cases.length > 0
            ? `, and all ${found.cases.length} cases of expect hold.`
            : '; it has no cases (expect).'}
        </p>
      ) : (
        <div className="problem">
          <div className="strong">
            {failed > 0 ? `${failed} of ${found.cases.length} cases fail` : 'It would not load'}
          </div>
          <div className="small" style={{ overflowWrap: 'anywhere' }}>
            <Said text={found.problem} />
          </div>
        </div>
      )}
      <ul className="cases" aria-label="Cases of expect">
        {found.cases.map((one) => (
          <li key={one.id}>
            {one.state === 'HOLDS' ? (
              <Check size={14} color="var(--good)" aria-label="holds" />
            ) : (
              <X size={14} color="var(--bad)" aria-label="fails" />
            )}
            <span>
              <span className="mono tiny">{one.id.replace('the changed file:', 'line ')}</span> <Said text={one.said} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}

const DAYS = ['7', '30', '90', '366']

/** Former requests asked again: who would have been decided otherwise. */
export function Simulate({ text, disabled = false }: { text: string; disabled?: boolean }) {
  const [days, setDays] = useState('30')
  const asked = useMutation({ mutationFn: () => got(api.simulatePolicy({ body: { text, days: Number(days) } })) })
  return (
    <section aria-label="Simulation">
      <div style={{ display: 'flex', gap: 8, alignItems: 'center', margin: '4px 0 10px', flexWrap: 'wrap' }}>
        <Select
          size="xs"
          style={{ width: 140 }}
          aria-label="How far back"
          allowDeselect={false}
          value={days}
          onChange={(value) => setDays(value ?? '30')}
          data={DAYS.map((one) => ({ value: one, label: `last ${one} days` }))}
        />
        <Button variant="default" disabled={disabled} loading={asked.isPending} onClick={() => asked.mutate()}>
          Hold it against what was asked
        </Button>
      </div>
      {asked.isError && <Wrong error={asked.error} />}
      {asked.data && <Simulated found={asked.data} />}
    </section>
  )
}

function Simulated({ found }: { found: SimulatedView }) {
  const ways = new Map<string, number>()
  for (const one of found.differing) ways.set(`${one.was} → ${one.now}`, (ways.get(`${one.was} → ${one.now}`) ?? 0) + 1)
  const page = { data: { pages: [{ items: found.differing }] }, error: null, hasNextPage: false }
  return (
    <>
      <p className="small" role="status">
        <b>
          {found.differ === 0 ? 'Nothing' : found.differ.toLocaleString('en-GB')} of{' '}
          {found.requests.toLocaleString('en-GB')} requests would be decided otherwise
        </b>
        {found.state === 'PART' && ' (only the newest were asked again)'}
        {found.differing.length < found.differ && `; the newest ${found.differing.length} are shown`}
        {[...ways].map(([way, n]) => (
          <span key={way} style={{ marginLeft: 10 }}>
            {way}: {n}
          </span>
        ))}
      </p>
      {found.differ > 0 && (
        <Listing
          of={{ ...page, isFetchingNextPage: false, fetchNextPage: () => undefined, refetch: () => undefined }}
          label="Who would have been decided otherwise"
          rowHeight={56}
          height="50dvh"
          narrowest={720}
          columns={[
            { name: 'asked', width: '90px', cell: (one: DiffersView) => <Asked one={one} /> },
            { name: 'who', width: '150px', cell: (one) => <span className="cut small">{one.requester.email}</span> },
            {
              name: 'what',
              width: '120px',
              cell: (one) => <span className="small">{`${one.target}:${one.role}`}</span>,
            },
            { name: 'was', width: '110px', cell: (one) => <del className="small faint">{one.was}</del> },
            { name: 'would be', width: '110px', cell: (one) => <ins className="small strong">{one.now}</ins> },
            { name: 'why', width: 'minmax(160px, 1fr)', cell: (one) => <Why text={one.why} /> },
          ]}
          empty={<Empty title="Nothing" />}
        />
      )}
    </>
  )
}

const Asked = ({ one }: { one: DiffersView }) => (
  <To to={`/requests/${one.id}`} className="small">
    <Ago at={one.t} />
  </To>
)

const Why = ({ text }: { text: string }) => (
  <span className="small faint two-lines">
    <Said text={text} most={240} />
  </span>
)
