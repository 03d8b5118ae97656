// A command line that wants to sign in: who asks, from where, and whether it is let in.

import { Button, Group, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import * as api from '../client'
import { got } from '../logic/api'
import { Do } from '../parts/doing'
import { Answer, Heading } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Left } from '../parts/time'

export function DevicePage() {
  const { code = '' } = useSearch({ strict: false }) as { code?: string }
  return (
    <>
      <Heading title="Sign a command line in" lead="Allow it only if you have just run  daypass login  yourself." />
      <div className="card pad">{code ? <Device code={code} /> : <Code />}</div>
    </>
  )
}

function Code() {
  const go = useNavigate()
  const [code, setCode] = useState('')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void go({ to: '/device', search: { code: code.trim() } })
      }}
    >
      <TextInput
        label="The code that the command line shows"
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
      />
      <Button type="submit" mt="md" disabled={!code.trim()}>
        Look
      </Button>
    </form>
  )
}

/** A code is good once: what was answered is kept here, as the server no longer knows it by then. */
function Device({ code }: { code: string }) {
  const answered = useRef<api.DeviceView>(null)
  const device = useQuery({
    queryKey: ['device', code],
    queryFn: async () => answered.current ?? (await got(api.showDevice({ path: { code } }))),
    retry: false,
  })
  return (
    <Answer of={device} rows={2}>
      {(one) => (
        <>
          <p>
            <State state={one.state} /> <b className="mono">{one.id}</b> from{' '}
            <b>
              <Said line text={one.client || 'a command line'} />
            </b>{' '}
            at <span className="mono">{one.seen_from}</span>
            <span className="small faint">
              {' '}
              <Left until={one.expires_at} over="too late" />
            </span>
          </p>
          {one.state === 'WAITING' ? (
            <Group gap="xs">
              <Do
                act={async () => {
                  answered.current = await got(api.allowDevice({ path: { code } }))
                }}
                said="It is let in"
              >
                Allow
              </Do>
              <Do
                variant="default"
                act={async () => {
                  answered.current = await got(api.refuseDevice({ path: { code } }))
                }}
                said="It is refused"
              >
                Refuse
              </Do>
            </Group>
          ) : (
            <p className="faint">You can close this page and go back to the command line.</p>
          )}
        </>
      )}
    </Answer>
  )
}
