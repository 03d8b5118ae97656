// Sessions: those that are open now, and those that were.

import { SegmentedControl } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { SessionView } from '../client'
import * as asking from '../logic/asking'
import { length } from '../logic/times'
import { type Column, Listing } from '../parts/listing'
import { Empty, Heading } from '../parts/page'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'

const COLUMNS: Column<SessionView>[] = [
  {
    name: 'who',
    width: 'minmax(80px, 1fr)',
    cell: (one) => (
      <div className="cut">
        <To className="cover" to={`/sessions/${one.id}`}>
          {one.person.name}
        </To>
      </div>
    ),
  },
  {
    name: 'where',
    width: 'minmax(110px, 1fr)',
    cell: (one) => (
      <div className="cut">
        {one.target}:{one.role}
      </div>
    ),
  },
  { name: 'state', width: '80px', cell: (one) => <State state={one.state} /> },
  {
    name: 'statements',
    width: 'minmax(0, 90px)',
    cell: (one) => <span className="num hide-phone">{one.state === 'OPEN' ? '…' : one.statements}</span>,
  },
  {
    name: 'ended',
    width: 'minmax(0, 1.2fr)',
    cell: (one) => (
      <div className="cut faint hide-phone">
        {one.end_reason.replaceAll('_', ' ')}
        {one.recording === 'gap' && <State state="GAP" tone="bad" />}
      </div>
    ),
  },
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

export function SessionsPage() {
  const { view = 'all' } = useSearch({ strict: false }) as { view?: string }
  const navigate = useNavigate()
  const sessions = useInfiniteQuery(asking.sessions(view === 'live'))
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
        columns={COLUMNS}
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
