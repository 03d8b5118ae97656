// One session: watched while it lasts, replayed when it is over, with its statements beside it.

import { Button, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import type { RecordingBeginning, SessionView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { beginning, type Chosen, LIVE } from '../logic/beginning'
import type { Part } from '../logic/cast'
import { length, timeOfDay, whole } from '../logic/times'
import { usePart, useRecording, type Watched } from '../logic/watching'
import { Because } from '../parts/doing'
import { Answer, Heading, Waiting, Wrong } from '../parts/page'
import { LivePlayer, Player, type Seek } from '../parts/player'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Statements } from '../parts/statements'
import { To } from '../parts/to'
import { Transcript } from '../parts/transcript'

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
        {session.look_at !== null && session.ending?.read_back === 'not confirmed' && <State state="END_UNCONFIRMED" />}
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
  const asked = useSearch({ strict: false }) as Chosen
  const parts = useQuery(asking.parts(session.id, live))
  const place = beginning(asked, parts.data, live)
  // A session that ends while it is watched stays on the page as it was followed.
  const [followed] = useState(live)
  if (parts.error && place === null) return <Wrong error={parts.error} again={() => void parts.refetch()} />
  if (place === null) return <Waiting />
  const one = { session, place, live, parts: parts.data ?? [], n: asked.n ? Number(asked.n) : null }
  return followed ? <Followed key={place} {...one} /> : <Kept key={place} {...one} />
}

type PartProps = { session: SessionView; place: string; live: boolean; parts: RecordingBeginning[]; n: number | null }

function Followed(props: PartProps) {
  const navigate = useNavigate()
  const watched = useRecording(props.session.id, props.place)
  const { next } = watched
  useEffect(() => {
    if (next) void navigate({ to: '.', search: { place: next } as never, replace: true })
  }, [next, navigate])
  return <Watching {...props} watched={watched} />
}

function Kept(props: PartProps) {
  return <Watching {...props} watched={usePart(props.session.id, props.place)} />
}

function Watching({ session, place, live, parts, n, watched }: PartProps & { watched: Watched }) {
  const [seek, setSeek] = useState<Seek | null>(null)
  const [shown, setShown] = useState<string | null>(null)
  const [chosen, setChosen] = useState<number | null>(n)
  const tab = shown ?? (live ? 'transcript' : 'replay')
  const complete = watched.state === 'over' || watched.state === 'full'
  useSearchBack({ session, place, parts, n, complete, part: watched.part })
  const first = complete && n !== null ? watched.part.statements.get(n)?.at : undefined
  useEffect(() => {
    if (first !== undefined) setSeek((before) => ({ at: first, count: (before?.count ?? 0) + 1 }))
  }, [first])
  if (watched.state === 'refused') return <p className="problem">{watched.problem}</p>
  return (
    <div className="beside">
      <section className="card" aria-label="Recording" style={{ minWidth: 0 }}>
        <Tabs value={tab} onChange={setShown} keepMounted={false}>
          <Tabs.List px={8}>
            <Tabs.Tab value="transcript">Transcript</Tabs.Tab>
            <Tabs.Tab value="replay">{live ? 'Terminal' : 'Replay'}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="transcript">
            <Transcript watched={watched} follow={live} />
          </Tabs.Panel>
          <Tabs.Panel value="replay" p={10}>
            {complete ? (
              <Player watched={watched} seek={seek} />
            ) : live ? (
              <LivePlayer watched={watched} />
            ) : (
              <Waiting />
            )}
          </Tabs.Panel>
        </Tabs>
        {watched.part.gap && (
          <p className="problem" role="alert" style={{ margin: 10 }}>
            This recording has a gap: something that happened in this session is missing from it.
          </p>
        )}
        {!live && <Parts session={session.id} parts={parts} place={place} />}
      </section>
      <Statements
        session={session}
        watched={watched}
        live={live}
        chosen={chosen}
        jump={(said) => {
          setChosen(said.n)
          if (live) return
          setShown('replay')
          setSeek((before) => ({ at: said.at, count: (before?.count ?? 0) + 1 }))
        }}
      />
    </div>
  )
}

type BackProps = Pick<PartProps, 'session' | 'place' | 'parts' | 'n'> & { complete: boolean; part: Part }

/** Go to the part before, where the statement in the address was asked earlier than this part begins: of many that were
 * sent at once, outcomes alone may fill a part. */
function useSearchBack({ session, place, parts, n, complete, part }: BackProps) {
  const navigate = useNavigate()
  const before = parts[parts.findIndex((one) => one.id === place) - 1]?.id
  const said = n === null ? undefined : part.statements.get(n)
  const missing = complete && n !== null && n <= session.statements && (!said || said.earlier)
  useEffect(() => {
    if (missing && before) {
      void navigate({ to: '.', search: { place: before, n: String(n) } as never, replace: true })
    }
  }, [missing, before, n, navigate])
}

/** The whole recording as a line to jump along; each part of it is fetched when it is gone to. */
function Parts({ session, parts, place }: { session: string; parts: RecordingBeginning[]; place: string }) {
  const navigate = useNavigate()
  const at = Math.max(
    0,
    parts.findIndex((one) => one.id === place),
  )
  if (parts.length < 2) return null
  const go = (n: number) => {
    const part = parts[Math.max(0, Math.min(parts.length - 1, n))]
    if (part) void navigate({ to: `/sessions/${session}` as '/', search: { place: part.id } as never, replace: true })
  }
  const t = parts[at]?.t
  return (
    <div className="parts">
      <Button variant="default" disabled={at === 0} onClick={() => go(at - 1)}>
        The part before
      </Button>
      <input
        type="range"
        className="grow"
        aria-label="Where in the recording"
        aria-valuetext={`part ${at + 1} of ${parts.length}`}
        min={0}
        max={parts.length - 1}
        value={at}
        onChange={(event) => go(Number(event.currentTarget.value))}
      />
      <span className="small faint num">
        part {at + 1} of {parts.length}
        {t ? <>, from {timeOfDay(t)} on</> : ''}
      </span>
      <Button variant="default" disabled={at === parts.length - 1} onClick={() => go(at + 1)}>
        The next part
      </Button>
    </div>
  )
}
