// The inbox of decisions: one list, one request beside it, and the keyboard for both.

import { useHotkeys } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { RequestView } from '../client'
import * as asking from '../logic/asking'
import { length } from '../logic/times'
import { Deciding } from '../parts/deciding'
import { type Pages, SideListing } from '../parts/listing'
import { Answer, Empty, Heading } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Left } from '../parts/time'
import { To } from '../parts/to'

export function InboxPage() {
  const { id } = useParams({ strict: false }) as { id?: string }
  const waiting = useInfiniteQuery(asking.requests('to-decide'))
  return (
    <>
      <Heading
        title="Decisions"
        lead={
          <span className="hide-phone">
            <span className="kbd">j</span> <span className="kbd">k</span> next and previous ·{' '}
            <span className="kbd">a</span> approve · <span className="kbd">d</span> deny ·{' '}
            <span className="kbd">q</span> ask
          </span>
        }
      />
      <Answer of={waiting}>
        {(found) => <Waiting of={waiting} requests={found.pages.flatMap((page) => page.items)} id={id} />}
      </Answer>
    </>
  )
}

type WaitingProps = { of: Pages<RequestView>; requests: RequestView[]; id: string | undefined }

function Waiting({ of, requests, id }: WaitingProps) {
  const navigate = useNavigate()
  const at = requests.findIndex((one) => one.id === id)
  const go = (n: number) => {
    const next = requests[Math.max(0, Math.min(requests.length - 1, n))]
    if (next) void navigate({ to: `/inbox/${next.id}` as '/', replace: true })
  }
  useHotkeys([
    ['j', () => go(at + 1)],
    ['k', () => go(at - 1)],
  ])
  const first = requests[0]?.id
  useEffect(() => {
    if (!id && first && matchMedia('(min-width: 761px)').matches) {
      void navigate({ to: `/inbox/${first}` as '/', replace: true })
    }
  }, [id, first, navigate])
  if (requests.length === 0 && !id) {
    return (
      <div className="card">
        <Empty title="Nothing waits for your decision">
          Requests that you may decide on appear here by themselves, the moment they are made.
        </Empty>
      </div>
    )
  }
  return (
    <div className="inbox">
      <SideListing
        of={of}
        label="Requests to decide on"
        hidden={!!id}
        empty={<Empty title="No more" />}
        item={(one) => (
          <To className="item" to={`/inbox/${one.id}`}>
            <span style={{ display: 'flex', gap: 6, alignItems: 'baseline' }}>
              <span className="strong cut grow">{one.requester.name}</span>
              <span className="tiny faint num">
                <Left until={one.decide_by} over="over" />
              </span>
            </span>
            <span className="small cut">
              {one.target}:{one.role} · {length(one.duration_ms)}
            </span>
            <span className="small faint cut">
              <Said line text={one.reason} />
            </span>
            {one.state !== 'PENDING' && <State state={one.state} />}
          </To>
        )}
      />
      {id ? <Deciding key={id} id={id} onDone={() => go(at + 1 < requests.length ? at + 1 : at - 1)} /> : null}
    </div>
  )
}
