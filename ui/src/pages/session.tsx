// One session: watched while it lasts, replayed when it is over, with its statements beside it.

import { Button, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { SessionView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { length, whole } from '../logic/times'
import { useRecording } from '../logic/watching'
import { Because } from '../parts/doing'
import { Answer, Heading, Waiting } from '../parts/page'
import { Player, type Seek } from '../parts/player'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Statements } from '../parts/statements'
import { To } from '../parts/to'
import { Transcript } from '../parts/transcript'

const LIVE = ['OPEN', 'REGISTERED']

export function SessionPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const session = useQuery(asking.session(id))
  return <Answer of={session}>{(found) => <Whole session={found} />}</Answer>
}

function Whole({ session }: { session: SessionView }) {
  const live = LIVE.includes(session.state)
  return (
    <>
      <Heading
        title={`${session.person.name} in ${session.target}:${session.role}`}
        lead={
          <>
            {whole(session.opened_at)}
            {session.ended_at
              ? `, for ${length(session.ended_at - session.opened_at) || '0s'}, ended: ${session.end_reason.replaceAll('_', ' ')}`
              : ''}{' '}
            · from <Said text={session.client} /> · <To to={`/requests/${session.request}`}>the request</To>
          </>
        }
      >
        <State state={session.state} />
        {session.recording === 'gap' && <State state="RECORDING HAS A GAP" tone="bad" />}
        {live && (
          <Because
            color="alarm"
            title="End this session"
            label="Why"
            explain="Its work is ended at the server and rolled back, and its client is told why. The grant stays."
            confirm="End it now"
            act={(reason) => got(api.killSession({ path: { id: session.id }, body: { reason } }))}
            said="the session has ended"
          >
            End the session
          </Because>
        )}
      </Heading>
      <Recording session={session} live={live} />
    </>
  )
}

function Recording({ session, live }: { session: SessionView; live: boolean }) {
  const { place = '0' } = useSearch({ strict: false }) as { place?: string }
  const [was, setWas] = useState<string[]>([])
  const watched = useRecording(session.id, place)
  const [seek, setSeek] = useState<Seek | null>(null)
  const [shown, setShown] = useState<string | null>(null)
  const tab = shown ?? (live ? 'transcript' : 'replay')
  if (watched.state === 'refused') return <p className="problem">{watched.problem}</p>
  const complete = watched.state === 'over' || watched.state === 'full'
  return (
    <div className="beside">
      <section className="card" aria-label="Recording" style={{ minWidth: 0 }}>
        <Tabs value={tab} onChange={setShown} keepMounted={false}>
          <Tabs.List px={8}>
            <Tabs.Tab value="transcript">Transcript</Tabs.Tab>
            <Tabs.Tab value="replay">Replay</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="transcript">
            <Transcript watched={watched} follow={live} />
          </Tabs.Panel>
          <Tabs.Panel value="replay" p={10}>
            {complete ? (
              <Player watched={watched} seek={seek} />
            ) : live ? (
              <p className="faint">
                The session goes on. Watch it in the transcript; it can be replayed when it is over.
              </p>
            ) : (
              <Waiting />
            )}
          </Tabs.Panel>
        </Tabs>
        <div style={{ display: 'flex', gap: 8, padding: watched.next || was.length ? 10 : 0 }}>
          {was.length > 0 && (
            <Button
              variant="default"
              component={To}
              to={`/sessions/${session.id}`}
              search={{ place: was.at(-1) ?? '0' }}
              onClick={() => setWas(was.slice(0, -1))}
            >
              The part before
            </Button>
          )}
          {watched.next && (
            <Button
              variant="default"
              component={To}
              to={`/sessions/${session.id}`}
              search={{ place: watched.next }}
              onClick={() => setWas([...was, place])}
            >
              The next part
            </Button>
          )}
        </div>
      </section>
      <Statements
        session={session}
        watched={watched}
        jump={(said) => {
          setShown('replay')
          setSeek((before) => ({ at: said.at, count: (before?.count ?? 0) + 1 }))
        }}
      />
    </div>
  )
}
