// Sessions: those that are open now, and those that were.

import { SegmentedControl } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { SessionView, StatementView } from '../client'
import * as asking from '../logic/asking'
import { length } from '../logic/times'
import { type Column, Listing } from '../parts/listing'
import { Empty, Heading } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'

const WHO: Column<SessionView> = {
  name: 'who',
  width: 'minmax(80px, 1fr)',
  cell: (one) => (
    <div className="cut">
      <To className="cover" to={`/sessions/${one.id}`}>
        {one.person.name}
      </To>
    </div>
  ),
}

const STATE: Column<SessionView>[] = [
  { name: 'state', width: '80px', cell: (one) => <State state={one.state} /> },
  {
    name: 'statements',
    width: 'minmax(0, 90px)',
    cell: (one) => <span className="num hide-phone">{one.state === 'OPEN' ? '…' : one.statements}</span>,
  },
]

const WHEN: Column<SessionView>[] = [
  {
    name: 'lasted',
    width: '70px',
    cell: (one) => (
      <span className="faint hide-phone">{one.ended_at ? length(one.ended_at - one.opened_at) || '0s' : ''}</span>
    ),
  },
  {
    name: 'opened',
    width: '84px',
    cell: (one) => (
      <span className="faint small">
        <Ago at={one.opened_at} />
      </span>
    ),
  },
]

/** On a phone what an open session is doing stands below. */
const where = (current: Doing): Column<SessionView> => ({
  name: 'where',
  width: 'minmax(110px, 1fr)',
  cell: (one) => (
    <>
      <div className="cut">
        {one.target}:{one.role}
      </div>
      {one.state === 'OPEN' && (
        <div className="only-phone tiny">
          <Now statement={current?.get(one.id)} />
        </div>
      )}
    </>
  ),
})

/** What an open session is doing, and how another one ended. */
const doing = (current: Doing): Column<SessionView> => ({
  name: 'doing, or how it ended',
  width: 'minmax(0, 2fr)',
  cell: (one) =>
    one.state === 'OPEN' ? (
      <div className="hide-phone">
        <Now statement={current?.get(one.id)} />
      </div>
    ) : (
      <div className="cut faint hide-phone">
        {one.end_reason.replaceAll('_', ' ')}
        {one.recording === 'gap' && <State state="GAP" tone="bad" />}
        {one.look_at !== null && one.ending?.read_back === 'not confirmed' && <State state="END_UNCONFIRMED" />}
      </div>
    ),
})

type Doing = Map<string, StatementView | null | undefined> | undefined

function Now({ statement }: { statement: StatementView | null | undefined }) {
  if (!statement) return null
  const running = statement.state === 'SUBMITTED'
  return (
    <div className={running ? 'sql cut' : 'sql cut faint'} title={running ? 'running now' : 'the last one, done'}>
      {statement.text === null ? statement.kind : <Said line text={statement.text} />}
    </div>
  )
}

export function SessionsPage() {
  const { view = 'all' } = useSearch({ strict: false }) as { view?: string }
  const navigate = useNavigate()
  const sessions = useInfiniteQuery(asking.sessions(view === 'live'))
  const current = useQuery(asking.current)
  const columns = [WHO, where(current.data), ...STATE, doing(current.data), ...WHEN]
  return (
    <>
      <Heading title="Sessions">
        <SegmentedControl
          size="xs"
          aria-label="Which sessions"
          value={view}
          onChange={(next) => void navigate({ to: '.', search: { view: next } })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'live', label: 'Open now' },
          ]}
        />
      </Heading>
      <Listing
        of={sessions}
        label="Sessions"
        columns={columns}
        height="78dvh"
        empty={
          <Empty title={view === 'live' ? 'Nobody is connected now' : 'No sessions yet'}>
            Each connection through Daypass is a session; what is done in it is recorded before it reaches the target.
          </Empty>
        }
      />
    </>
  )
}
