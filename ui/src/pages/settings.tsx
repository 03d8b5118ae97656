// My account: my tokens, and the browsers in which I am signed in.

import { Button, Modal, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import * as api from '../client'
import { got } from '../logic/api'
import { parseLength, whole } from '../logic/times'
import { Command } from '../parts/copy'
import { Do, useDoing } from '../parts/doing'
import { Answer, Heading, Section, Wrong } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { Revoke } from '../parts/tokens'

export function SettingsPage() {
  return (
    <>
      <Heading
        title="My account"
        lead="What signs in as you. Who else there is, and how Daypass does, is under Administration."
      />
      <Tokens />
      <Visits />
    </>
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
                  <Revoke one={one} />
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
