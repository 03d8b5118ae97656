// What is owed after access: what was asked beside what was done, and a word on it.

import { Checkbox, SegmentedControl } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { ObligationView, ReceiptView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { counted, length } from '../logic/times'
import { Because } from '../parts/doing'
import { SideListing } from '../parts/listing'
import { Answer, Empty, Heading } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'

export function ReviewsPage() {
  const { id } = useParams({ strict: false }) as { id?: string }
  const { view = 'open' } = useSearch({ strict: false }) as { view?: string }
  const navigate = useNavigate()
  const owed = useInfiniteQuery(asking.obligations(view === 'all'))
  return (
    <>
      <Heading title="Reviews" lead="The loop is closed when somebody has looked at what was done.">
        <SegmentedControl
          size="xs"
          aria-label="Which reviews"
          value={view}
          onChange={(next) => void navigate({ to: '/reviews' as '/', search: { view: next } as never })}
          data={[
            { value: 'open', label: 'Mine to do' },
            { value: 'all', label: 'All' },
          ]}
        />
      </Heading>
      <div className="inbox">
        <SideListing
          of={owed}
          label="What is owed"
          hidden={!!id}
          item={(one) => <Item one={one} />}
          empty={
            <Empty title="Nothing is owed">
              Where a rule says so, access that has ended waits here to be looked at.
            </Empty>
          }
        />
        {id ? (
          <Review key={id} id={id} />
        ) : (
          <div className="card hide-phone">
            <Empty title="Pick one on the left" />
          </div>
        )}
      </div>
    </>
  )
}

function Item({ one }: { one: ObligationView }) {
  return (
    <To className="item" to={`/reviews/${one.id}`}>
      <span style={{ display: 'flex', gap: 6 }}>
        <span className="strong grow cut">{one.person.name}</span>
        <State state={one.state} />
      </span>
      <span className="small faint">
        {one.kind.replaceAll('_', ' ')}
        {one.drill ? ', an exercise' : ''} · due <Ago at={one.due_at} />
      </span>
    </To>
  )
}

function Review({ id }: { id: string }) {
  const found = useQuery(asking.obligation(id))
  return (
    <article className="card pad" aria-label="The review">
      <Answer of={found}>
        {(one) => (
          <>
            <header style={{ display: 'flex', gap: 10, alignItems: 'center', flexWrap: 'wrap', marginBottom: 12 }}>
              <h2 style={{ margin: 0 }}>
                {one.person.name}
                {one.receipt ? ` in ${one.receipt.target}:${one.receipt.role}` : ''}
              </h2>
              <State state={one.state} />
              <To to={`/requests/${one.request}`} className="small" style={{ marginLeft: 'auto' }}>
                the whole story
              </To>
            </header>
            {one.receipt && <Receipt receipt={one.receipt} />}
            <Doing one={one} />
          </>
        )}
      </Answer>
    </article>
  )
}

const listed = (counts: Record<string, unknown>): string =>
  Object.entries(counts)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ') || 'none'

function Receipt({ receipt }: { receipt: ReceiptView }) {
  return (
    <>
      <div className="asked-done">
        <section aria-label="Asked">
          <h3>Asked</h3>
          <blockquote className="quote">
            <Said text={receipt.reason} />
          </blockquote>
          <dl className="facts small" style={{ marginTop: 8 }}>
            <dt>for</dt>
            <dd>{length(receipt.asked_ms)}</dd>
            <dt>ticket</dt>
            <dd>{receipt.ticket ? <Said line text={receipt.ticket} /> : 'none'}</dd>
          </dl>
        </section>
        <section aria-label="Done">
          <h3>Done</h3>
          <dl className="facts small">
            <dt>used</dt>
            <dd>
              {receipt.used_ms === null ? 'not at all' : length(receipt.used_ms)}, ended:{' '}
              {receipt.ended_because.replaceAll('_', ' ')}
            </dd>
            <dt>statements</dt>
            <dd>
              {receipt.statements}: {listed(receipt.kinds)}
            </dd>
            <dt>read</dt>
            <dd className="mono">
              <Said text={listed(receipt.reads)} />
            </dd>
            <dt>written</dt>
            <dd className="mono">
              <Said text={listed(receipt.writes)} />
            </dd>
            <dt>rows</dt>
            <dd>{receipt.rows.toLocaleString('en-GB')}</dd>
            <dt>failed</dt>
            <dd>{receipt.failed}</dd>
            <dt>refused</dt>
            <dd>{receipt.refused}</dd>
          </dl>
        </section>
      </div>
      {receipt.remarks.map((remark) => (
        <p key={remark} className="small" style={{ color: 'var(--wait)' }}>
          <Said text={remark} />
        </p>
      ))}
      <div className="small" style={{ margin: '10px 0' }}>
        {receipt.sessions.map((session) => (
          <div key={session.id}>
            <To to={`/sessions/${session.id}`}>a session</To>, opened <Ago at={session.opened_at} />:{' '}
            {counted(session.statements, 'statement')}
          </div>
        ))}
      </div>
    </>
  )
}

const OPEN = ['DUE', 'OVERDUE']

function Doing({ one }: { one: ObligationView }) {
  const [flag, setFlag] = useState(false)
  if (one.state === 'FLAGGED') {
    return (
      <Because
        title="Settle the follow-up"
        label="What came of it"
        confirm="Settle"
        act={(note) => got(api.settleFollowUp({ path: { id: one.id }, body: { note } }))}
      >
        Settle the follow-up
      </Because>
    )
  }
  if (!OPEN.includes(one.state)) {
    return (
      <p className="small">
        {one.done_by?.name}: <Said text={one.note} /> {one.done_at && <Ago at={one.done_at} />}
      </p>
    )
  }
  if (one.kind === 'ratify') {
    const ratify = (refuse: boolean) => (note: string) =>
      got(api.ratifyBreakGlass({ path: { id: one.request }, body: { note, refuse } }))
    return (
      <div style={{ display: 'flex', gap: 8 }}>
        <Because title="Ratify" label="A note" optional confirm="Ratify" act={ratify(false)}>
          Ratify
        </Because>
        <Because
          title="Do not ratify"
          label="Why not"
          confirm="Refuse"
          color="alarm"
          variant="outline"
          act={ratify(true)}
        >
          Refuse
        </Because>
      </div>
    )
  }
  return (
    <Because
      title="Sign off"
      label="What you say of it"
      confirm={flag ? 'Flag it' : 'Sign off'}
      extra={
        <Checkbox
          mb="sm"
          size="sm"
          label="A follow-up is needed"
          checked={flag}
          onChange={(event) => setFlag(event.currentTarget.checked)}
        />
      }
      act={(note) => got(api.signOff({ path: { id: one.id }, body: { note, flag } }))}
      said={flag ? 'flagged' : 'signed off'}
    >
      Sign off
    </Because>
  )
}
