// Every request that I may see.

import { SegmentedControl } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { RequestView } from '../client'
import * as asking from '../logic/asking'
import { length } from '../logic/times'
import { type Column, Listing } from '../parts/listing'
import { Empty, Heading } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'

const COLUMNS: Column<RequestView>[] = [
  {
    name: 'what',
    width: 'minmax(130px, 1.2fr)',
    cell: (one) => (
      <div className="cut">
        <To className="cover" to={`/requests/${one.id}`}>
          {one.target}:{one.role}
        </To>
      </div>
    ),
  },
  { name: 'who', width: 'minmax(70px, 0.7fr)', cell: (one) => <div className="cut">{one.requester.name}</div> },
  {
    name: 'why',
    width: 'minmax(0, 2.4fr)',
    cell: (one) => (
      <div className="cut faint hide-phone">
        <Said line text={one.reason} />
      </div>
    ),
  },
  { name: 'for', width: '56px', cell: (one) => <span className="hide-phone">{length(one.duration_ms)}</span> },
  { name: 'state', width: '110px', cell: (one) => <State state={one.state} /> },
  {
    name: 'asked',
    width: '84px',
    cell: (one) => (
      <span className="faint small hide-phone">
        <Ago at={one.created_at} />
      </span>
    ),
  },
]

export function RequestsPage() {
  const { view = 'all' } = useSearch({ strict: false }) as { view?: asking.RequestsView }
  const navigate = useNavigate()
  const requests = useInfiniteQuery(asking.requests(view))
  return (
    <>
      <Heading title="Requests">
        <SegmentedControl
          size="xs"
          aria-label="Which requests"
          value={view}
          onChange={(next) => void navigate({ to: '.', search: { view: next } })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'mine', label: 'Mine' },
            { value: 'to-decide', label: 'To decide' },
          ]}
        />
      </Heading>
      <Listing
        of={requests}
        label="Requests"
        columns={COLUMNS}
        height="78dvh"
        empty={<Empty title="No requests">What is asked for, and what became of it, is listed here.</Empty>}
      />
    </>
  )
}
