// Administration: health, locks, my tokens and browsers, what nobody could be told.

import { Button, Group, Modal, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import * as api from '../client'
import { got } from '../logic/api'
import { parseLength, whole } from '../logic/times'
import { Command } from '../parts/copy'
import { Because, Do, useDoing } from '../parts/doing'
import { Answer, Empty, Heading, Section, Wrong } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago, Left } from '../parts/time'

const HEALTH_MS = 5000

export function SettingsPage() {
  return (
    <>
      <Heading title="Administration" />
      <Health />
      <Locks />
      <Tokens />
      <Visits />
      <Untold />
    </>
  )
}

function Health() {
  const health = useQuery({ queryKey: ['health'], queryFn: () => got(api.healthz()), refetchInterval: HEALTH_MS })
  return (
    <Section title="Health">
      <div className="card pad">
        <Answer of={health} rows={1}>
          {(one) => (
            <>
              <State state={one.state} tone={one.state === 'HEALTHY' ? 'good' : 'bad'} />{' '}
              <span className="small">
                node {one.id} {one.problem && <Said text={one.problem} />}
              </span>
              {(one.warnings ?? []).map((warning) => (
                <div key={warning} className="small" style={{ color: 'var(--wait)' }}>
                  <Said text={warning} />
                </div>
              ))}
            </>
          )}
        </Answer>
      </div>
    </Section>
  )
}

function Locks() {
  const locks = useQuery({
    queryKey: ['locks'],
    queryFn: async () => (await got(api.listLocks({ query: {} }))).items,
    retry: false,
  })
  return (
    <Section title="Locks" note="what security has shut for a while">
      <div className="card">
        <Answer of={locks} rows={1}>
          {(found) => (
            <>
              {found.length === 0 && <Empty title="Nothing is locked" />}
              {found.map((one) => (
                <div key={one.id} className="row">
                  <State state={one.state} />
                  <span className="grow cut">
                    <b>{one.target ?? one.person?.email ?? 'everything'}</b>{' '}
                    <span className="faint">
                      <Said line text={one.reason} />
                    </span>
                  </span>
                  <span className="small faint">
                    <Left until={one.until} over="over" />
                  </span>
                  <Because
                    variant="default"
                    title="Lift the lock"
                    label="Why"
                    confirm="Lift"
                    act={(reason) => got(api.liftLock({ path: { id: one.id }, body: { reason } }))}
                  >
                    Lift
                  </Because>
                </div>
              ))}
              <div className="pad">
                <NewLock />
              </div>
            </>
          )}
        </Answer>
      </div>
    </Section>
  )
}

function NewLock() {
  const [scope, setScope] = useState<'person' | 'target' | 'everything'>('target')
  const [name, setName] = useState('')
  const [lasts, setLasts] = useState('1h')
  const duration = parseLength(lasts)
  return (
    <Because
      variant="outline"
      color="alarm"
      title="Lock"
      label="Why"
      confirm="Lock now"
      explain="Running grants that it covers end now, and nothing opens until it is over."
      extra={
        <Group grow mb="xs" align="flex-start">
          <Select
            label="What"
            allowDeselect={false}
            value={scope}
            onChange={(value) => setScope((value ?? 'target') as typeof scope)}
            data={['person', 'target', 'everything']}
          />
          {scope !== 'everything' && (
            <TextInput label="Which" value={name} onChange={(event) => setName(event.currentTarget.value)} />
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
    >
      Lock something
    </Because>
  )
}

function Tokens() {
  const tokens = useQuery({
    queryKey: ['tokens'],
    queryFn: async () => (await got(api.listTokens({ query: {} }))).items,
  })
  return (
    <Section title="My tokens" note="for native clients, scripts and agents">
      <div className="card">
        <Answer of={tokens} rows={2}>
          {(found) => (
            <>
              {found.map((one) => (
                <div key={one.id} className="row">
                  <State state={one.state} />
                  <span className="grow cut">
                    {one.label ? <Said line text={one.label} /> : <span className="faint">no label</span>}{' '}
                    <span className="faint small">
                      {one.scopes.join(' ') || 'everything'} · until {whole(one.expires_at)}
                      {one.last_used_at ? ' · used ' : ' · never used'}
                      {one.last_used_at && <Ago at={one.last_used_at} />}
                    </span>
                  </span>
                  <Do
                    variant="subtle"
                    color="alarm"
                    size="compact-xs"
                    act={() => got(api.revokeToken({ path: { id: one.id } }))}
                    said="revoked; the sessions that it opened have ended"
                  >
                    Revoke
                  </Do>
                </div>
              ))}
              <div className="pad">
                <NewToken />
              </div>
            </>
          )}
        </Answer>
      </div>
    </Section>
  )
}

function NewToken() {
  const [open, setOpen] = useState(false)
  const [label, setLabel] = useState('')
  const [lasts, setLasts] = useState('12h')
  const duration = parseLength(lasts)
  const making = useDoing(
    () => got(api.makeToken({ body: { label: label.trim(), duration_ms: duration ?? 0 } })),
    undefined,
    true,
  )
  return (
    <>
      <Button variant="default" onClick={() => setOpen(true)}>
        Make a token
      </Button>
      <Modal
        opened={open}
        onClose={() => {
          setOpen(false)
          making.reset()
        }}
        title="A new token"
      >
        {making.data ? (
          <>
            <p className="small">It is shown now and never again. Copy it to where it is used.</p>
            <Command text={making.data.token} what="the token" />
          </>
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              if (duration) making.mutate(undefined)
            }}
          >
            <TextInput
              label="What for"
              data-autofocus
              value={label}
              onChange={(event) => setLabel(event.currentTarget.value)}
            />
            <TextInput
              mt="xs"
              label="Good for"
              value={lasts}
              error={duration === null ? '12h, 30d' : undefined}
              onChange={(event) => setLasts(event.currentTarget.value)}
            />
            {making.isError && <Wrong error={making.error} />}
            <Button type="submit" mt="md" loading={making.isPending} disabled={!duration}>
              Make it
            </Button>
          </form>
        )}
      </Modal>
    </>
  )
}

function Visits() {
  const visits = useQuery({ queryKey: ['visits'], queryFn: async () => (await got(api.listVisits())).items })
  return (
    <Section title="Where I am signed in">
      <div className="card">
        <Answer of={visits} rows={1}>
          {(found) =>
            found.map((one) => (
              <div key={one.id} className="row">
                <span className="grow small">
                  {one.here ? <b>this browser</b> : 'another browser'}{' '}
                  <span className="faint">by {one.way}, seen </span>
                  <Ago at={one.seen_at} /> <span className="faint">from {one.seen_from}</span>
                </span>
                {!one.here && (
                  <Do
                    variant="subtle"
                    size="compact-xs"
                    act={() => got(api.endVisit({ path: { id: one.id } }))}
                    said="signed out there"
                  >
                    Sign out there
                  </Do>
                )}
              </div>
            ))
          }
        </Answer>
      </div>
    </Section>
  )
}

function Untold() {
  const failed = useQuery({
    queryKey: ['untold'],
    queryFn: async () => (await got(api.listNotices({ query: { view: 'failed' } }))).items,
    retry: false,
  })
  if (!failed.data) return null
  return (
    <Section title="What nobody could be told">
      <div className="card">
        {failed.data.length === 0 && <Empty title="Everybody was told everything" />}
        {failed.data.map((one) => (
          <div key={one.id} className="row">
            <span className="grow cut">
              {one.channel}: <Said line text={one.title || one.kind} />{' '}
              <span className="faint">
                <Said line text={one.problem} />
              </span>
            </span>
            <Do variant="default" size="compact-xs" act={() => got(api.retryNotice({ path: { id: one.id } }))}>
              Try again
            </Do>
          </div>
        ))}
      </div>
    </Section>
  )
}
