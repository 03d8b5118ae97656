// One grant of my own: what is left of it, how to connect, and ending or stretching it.

import { Button, SegmentedControl, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { GrantView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { clientsFor } from '../logic/connecting'
import { length } from '../logic/times'
import { Command } from './copy'
import { Because, Do } from './doing'
import { Limits } from './limits'
import { Answer } from './page'
import { State } from './state'
import { Left, LeftBar } from './time'
import { To } from './to'

const MORE = [15, 30, 60]

function WhatIsLeft({ grant }: { grant: GrantView }) {
  if (grant.state === 'ACTIVE' && grant.expires_at && grant.activated_at) {
    return (
      <>
        <div style={{ display: 'flex', alignItems: 'baseline', gap: 6, margin: '10px 0 6px' }}>
          <span style={{ fontSize: '1.5rem', fontWeight: 650, letterSpacing: '-0.02em' }}>
            <Left until={grant.expires_at} />
          </span>
          <span className="faint small">left of {length(grant.expires_at - grant.activated_at)}</span>
        </div>
        <LeftBar until={grant.expires_at} lasts={grant.expires_at - grant.activated_at} />
      </>
    )
  }
  return (
    <p className="small" style={{ margin: '10px 0 6px' }}>
      {length(grant.duration_ms)} from your first connection.{' '}
      <span className="faint">
        It lapses unless you begin within <Left until={grant.activate_by} over="no time" />.
      </span>
    </p>
  )
}

function HowToConnect({ grant }: { grant: GrantView }) {
  const found = useQuery(asking.connecting(grant.target, grant.role))
  return (
    <Answer of={found} rows={2}>
      {(data) => {
        const clients = clientsFor(data, grant.role, location.hostname)
        return (
          <Tabs defaultValue={clients[0]?.name} mt="sm" keepMounted={false} color="day">
            <Tabs.List>
              {clients.map((client) => (
                <Tabs.Tab key={client.name} value={client.name} px={9} py={6} fz="xs">
                  {client.name}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {clients.map((client) => (
              <Tabs.Panel key={client.name} value={client.name} pt={8}>
                <Command text={client.text} what={`how to connect with ${client.name}`} />
                <div className="faint tiny" style={{ marginTop: 4 }}>
                  {client.note}
                </div>
              </Tabs.Panel>
            ))}
          </Tabs>
        )
      }}
    </Answer>
  )
}

function ExtendButton({ grant }: { grant: GrantView }) {
  const [minutes, setMinutes] = useState('30')
  return (
    <Because
      variant="default"
      size="compact-sm"
      title={`More time for ${grant.target}:${grant.role}`}
      label="Why is more time needed?"
      explain="The rule says how often and how long. Where it asks for people, they decide first."
      extra={
        <SegmentedControl
          mb="sm"
          fullWidth
          size="xs"
          aria-label="How much more"
          value={minutes}
          onChange={setMinutes}
          data={MORE.map((each) => ({ value: String(each), label: `${each} min` }))}
        />
      }
      confirm="Extend"
      act={(reason) =>
        got(api.extendGrant({ path: { id: grant.id }, body: { by_ms: Number(minutes) * 60_000, reason } }))
      }
      said="asked for more time"
    >
      Extend
    </Because>
  )
}

export function GrantCard({ grant }: { grant: GrantView }) {
  const [open, setOpen] = useState(false)
  const usable = grant.state === 'ACTIVE' || grant.state === 'READY'
  return (
    <article className="card pad" aria-label={`access to ${grant.target} as ${grant.role}`}>
      <div style={{ display: 'flex', gap: 8, alignItems: 'center' }}>
        <To to={`/requests/${grant.request}`} className="strong cut">
          {grant.target}:{grant.role}
        </To>
        <span style={{ marginLeft: 'auto' }}>
          <State state={grant.state} />
        </span>
      </div>
      <WhatIsLeft grant={grant} />
      {(grant.scope?.length || grant.start_at !== null) && (
        <dl className="facts small" style={{ marginTop: 8 }}>
          <Limits of={grant} />
        </dl>
      )}
      <div className="actions">
        {usable && (
          <Button
            variant={open ? 'light' : 'filled'}
            size="compact-sm"
            onClick={() => setOpen(!open)}
            aria-expanded={open}
          >
            Connect
          </Button>
        )}
        {usable && (
          <Button
            variant="default"
            size="compact-sm"
            component={To}
            to="/console"
            search={{ pick: `${grant.target}:${grant.role}` }}
          >
            SQL console
          </Button>
        )}
        {grant.state === 'ACTIVE' && <ExtendButton grant={grant} />}
        {usable && (
          <Do
            variant="default"
            size="compact-sm"
            act={() => got(api.handGrantBack({ path: { id: grant.id } }))}
            said={`handed ${grant.target}:${grant.role} back`}
          >
            Hand back
          </Do>
        )}
      </div>
      {open && <HowToConnect grant={grant} />}
    </article>
  )
}
