// What security has shut for a while: set with a reason and an end, lifted with a reason.

import { Autocomplete, Group, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { LockView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { parseLength, whole } from '../logic/times'
import { Because } from './doing'
import { Listing } from './listing'
import { Empty } from './page'
import { Said } from './said'
import { State } from './state'
import { Left } from './time'

export function Locks() {
  const [past, setPast] = useState('now')
  const locks = useInfiniteQuery({
    queryKey: ['locks', past],
    queryFn: ({ pageParam }) =>
      got(api.listLocks({ query: { all: past === 'all', limit: asking.PAGE, before: pageParam } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  })
  return (
    <>
      <Group gap={8} mb="sm">
        <SegmentedControl
          size="xs"
          aria-label="Which locks"
          value={past}
          onChange={setPast}
          data={[
            { value: 'now', label: 'Now' },
            { value: 'all', label: 'All there were' },
          ]}
        />
        <NewLock />
      </Group>
      <Listing
        of={locks}
        label="Locks"
        rowHeight={60}
        narrowest={620}
        columns={[
          { name: 'state', width: '90px', cell: (one: LockView) => <State state={one.state} /> },
          { name: 'what', width: 'minmax(0, 1fr)', cell: (one) => <What one={one} /> },
          { name: 'until', width: '150px', cell: (one) => <Until one={one} /> },
          { name: '', width: '70px', cell: (one) => (one.state === 'LOCKED' ? <Lift id={one.id} /> : null) },
        ]}
        empty={
          <Empty title="Nothing is locked">
            A lock shuts a person, a target or everything at once: what runs ends now, and nothing opens until it is
            over.
          </Empty>
        }
      />
    </>
  )
}

const What = ({ one }: { one: LockView }) => (
  <div className="cut">
    <b>{one.target ?? one.person?.email ?? 'everything'}</b>{' '}
    <div className="small faint cut">
      {one.made_by.name}: <Said line text={one.reason} />
    </div>
  </div>
)

const Until = ({ one }: { one: LockView }) => (
  <span className="small faint">
    {one.state === 'LOCKED' ? <Left until={one.until} over="over" /> : whole(one.until)}
  </span>
)

const Lift = ({ id }: { id: string }) => (
  <Because
    variant="default"
    size="compact-xs"
    title="Lift the lock"
    label="Why"
    confirm="Lift"
    act={(reason) => got(api.liftLock({ path: { id }, body: { reason } }))}
    said="lifted"
  >
    Lift
  </Because>
)

type Scope = 'person' | 'target' | 'everything'

/** `person`: whom to lock; without one it is asked. */
export function NewLock({ person }: { person?: string }) {
  const [scope, setScope] = useState<Scope>(person ? 'person' : 'target')
  const [name, setName] = useState(person ?? '')
  const [lasts, setLasts] = useState('1h')
  const targets = useQuery(asking.allTargets)
  const people = useQuery({ ...asking.someone(name), enabled: scope === 'person' && !person })
  const duration = parseLength(lasts)
  const names = scope === 'target' ? targets.data?.map((one) => one.id) : people.data?.map((one) => one.email)
  return (
    <Because
      variant="outline"
      color="alarm"
      title={person ? `Lock ${person}` : 'Lock'}
      label="Why"
      confirm="Lock now"
      explain="Running grants that it covers end now, and nothing opens until it is over."
      extra={
        <Group grow mb="xs" align="flex-start">
          {!person && (
            <Select
              label="What"
              allowDeselect={false}
              value={scope}
              onChange={(value) => {
                setScope((value ?? 'target') as Scope)
                setName('')
              }}
              data={['person', 'target', 'everything']}
            />
          )}
          {!person && scope !== 'everything' && (
            <Autocomplete
              label="Which"
              data={names ?? []}
              filter={scope === 'person' ? ({ options }) => options : undefined}
              value={name}
              onChange={setName}
            />
          )}
          <TextInput
            label="For how long"
            value={lasts}
            error={duration === null ? '30m, 1h, 2d' : undefined}
            onChange={(event) => setLasts(event.currentTarget.value)}
          />
        </Group>
      }
      act={(reason) =>
        got(
          api.setLock({
            body: { scope, name: scope === 'everything' ? '' : name.trim(), reason, duration_ms: duration ?? 0 },
          }),
        )
      }
      said="locked"
    >
      {person ? 'Lock this person' : 'Lock something'}
    </Because>
  )
}
