// People and groups, and one person: what they are here, what signs in as them, and shutting them out for a while.

import { Button, Group, Modal, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { GroupOfPeople, PersonView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { Do } from './doing'
import { Listing } from './listing'
import { NewLock } from './locks'
import { Answer, Empty, Section } from './page'
import { Said } from './said'
import { State } from './state'
import { To } from './to'
import { TokenRows } from './tokens'

const TYPED_MS = 250

export function People() {
  const { q = '' } = useSearch({ strict: false }) as { q?: string }
  const navigate = useNavigate()
  const [typed, setTyped] = useState(q)
  const [wanted] = useDebouncedValue(typed, TYPED_MS)
  useEffect(() => {
    if (wanted !== q) void navigate({ to: '.', search: (wanted ? { q: wanted } : {}) as never, replace: true })
  }, [wanted, q, navigate])
  const people = useInfiniteQuery({
    queryKey: ['people', 'list', q],
    queryFn: ({ pageParam }) => got(api.listPeople({ query: { q, after: pageParam, limit: asking.PAGE } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
  })
  return (
    <>
      <Find what="people" by="address, name or group" typed={typed} type={setTyped} />
      <Listing
        of={people}
        label="People"
        rowHeight={52}
        columns={[
          { name: 'who', width: 'minmax(0, 1.4fr)', cell: (one: PersonView) => <Who one={one} /> },
          {
            name: 'state',
            width: '90px',
            cell: (one) => <State state={one.state} tone={one.state === 'ACTIVE' ? 'good' : 'calm'} />,
          },
          {
            name: 'groups',
            width: 'minmax(0, 1fr)',
            cell: (one) => (
              <span className="small faint cut" style={{ display: 'block' }}>
                {one.groups.join(', ')}
              </span>
            ),
          },
        ]}
        empty={
          <Empty title="Nobody is found">
            People come from identity.people, from the identity provider, or by SCIM.
          </Empty>
        }
      />
    </>
  )
}

type FindProps = { what: string; by: string; typed: string; type: (text: string) => void }

const Find = ({ what, by, typed, type }: FindProps) => (
  <TextInput
    mb="sm"
    style={{ maxWidth: 380 }}
    aria-label={`Find ${what}`}
    placeholder={by}
    leftSection={<Search size={15} />}
    value={typed}
    onChange={(event) => type(event.currentTarget.value)}
  />
)

function Who({ one }: { one: PersonView }) {
  return (
    <div className="cut">
      <To to={`/admin/people/${encodeURIComponent(one.email)}`} className="cover">
        <Said line text={one.name || one.email} />
      </To>
      <div className="small faint cut">
        {one.email}
        {one.roles.length > 0 && `, ${one.roles.join(', ')}`}
        {one.agent_of && ', an agent'}
      </div>
    </div>
  )
}

export function Person({ email }: { email: string }) {
  const found = useQuery({
    queryKey: ['people', 'one', email],
    queryFn: async () => {
      const all = (await got(api.listPeople({ query: { q: email, limit: asking.PAGE } }))).items
      return all.find((one) => one.email === email) ?? null
    },
  })
  return (
    <Answer of={found}>
      {(one) =>
        one ? (
          <One one={one} />
        ) : (
          <div className="card">
            <Empty title={`There is nobody with the address ${email}`}>They may have been erased, or renamed.</Empty>
          </div>
        )
      }
    </Answer>
  )
}

function One({ one }: { one: PersonView }) {
  return (
    <>
      <Section title={one.name || one.email}>
        <div className="card pad">
          <dl className="facts small">
            <dt>state</dt>
            <dd>
              <State state={one.state} tone={one.state === 'ACTIVE' ? 'good' : 'calm'} />{' '}
              {one.state === 'DISABLED' && (
                <span className="faint">nothing opens for them, and they decide on nothing</span>
              )}
            </dd>
            <dt>address</dt>
            <dd>{one.email}</dd>
            <dt>roles</dt>
            <dd>{one.roles.join(', ') || 'none of security, auditor, operator'}</dd>
            <dt>groups</dt>
            <dd>{one.groups.join(', ') || 'none'}</dd>
            <dt>other accounts</dt>
            <dd>
              {one.accounts.length > 0 ? (
                <Addresses of={one.accounts} />
              ) : (
                'none that we know to be the same human being'
              )}
            </dd>
            <dt>agents</dt>
            <dd>{one.agents.length > 0 ? <Addresses of={one.agents} /> : 'none'}</dd>
            <dt>kept by</dt>
            <dd>{one.source || 'the settings (identity.people)'}</dd>
          </dl>
          <Group gap={8} mt="md">
            <NewLock person={one.email} />
            <To to="/search" search={{ person: one.email }} className="small">
              what they said and did
            </To>
          </Group>
        </div>
      </Section>
      <TheirTokens email={one.email} />
    </>
  )
}

const Addresses = ({ of }: { of: string[] }) => (
  <>
    {of.map((email) => (
      <To key={email} to={`/admin/people/${encodeURIComponent(email)}`} style={{ marginRight: 10 }}>
        {email}
      </To>
    ))}
  </>
)

function TheirTokens({ email }: { email: string }) {
  const tokens = useQuery({
    queryKey: ['tokens', email],
    queryFn: async () => (await got(api.listTokens({ query: { person: email } }))).items,
    retry: false,
  })
  return (
    <Section title="Their tokens" note={!!tokens.data?.length && <RevokeAll email={email} />}>
      <Answer of={tokens} rows={1}>
        {(found) => <TokenRows tokens={found} />}
      </Answer>
    </Section>
  )
}

function RevokeAll({ email }: { email: string }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button variant="outline" color="alarm" size="compact-xs" onClick={() => setOpen(true)}>
        Revoke all
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`Revoke every token of ${email}`}>
        <p className="small">
          They are signed out of every browser, and the sessions that their tokens opened end now. Their grants stay.
        </p>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => setOpen(false)}>
            Cancel
          </Button>
          <Do
            color="alarm"
            act={() => got(api.revokeTokens({ body: { all: true, person: email } }))}
            said="revoked; what they had opened has ended"
            done={() => setOpen(false)}
          >
            Revoke all of them
          </Do>
        </Group>
      </Modal>
    </>
  )
}

export function Groups() {
  const [typed, setTyped] = useState('')
  const groups = useQuery(asking.groups)
  const wanted = typed.trim().toLowerCase()
  return (
    <>
      <Find what="groups" by="name or owner" typed={typed} type={setTyped} />
      <Answer of={groups}>
        {(all) => {
          const items = all.filter((one) => [one.id, ...one.owners].join(' ').toLowerCase().includes(wanted))
          const still = { error: null, hasNextPage: false, isFetchingNextPage: false, fetchNextPage: () => undefined }
          return (
            <Listing
              of={{ ...still, data: { pages: [{ items }] }, refetch: () => undefined }}
              label="Groups"
              rowHeight={56}
              columns={[
                { name: 'group', width: 'minmax(0, 1fr)', cell: (one: GroupOfPeople) => <AGroup one={one} /> },
                { name: 'members', width: '80px', cell: (one) => <span className="num small">{one.count}</span> },
              ]}
              empty={<Empty title="No such group">A group is there as soon as somebody is in it, or owns it.</Empty>}
            />
          )
        }}
      </Answer>
    </>
  )
}

const AGroup = ({ one }: { one: GroupOfPeople }) => (
  <div className="cut">
    <To to="/admin/people" search={{ q: one.id }} className="cover">
      <Said line text={one.id} />
    </To>
    <div className="small faint cut">
      {one.members.map((person) => person.email).join(', ') || 'nobody is in it'}
      {one.owners.length > 0 && `; owned by ${one.owners.join(', ')}`}
    </div>
  </div>
)
