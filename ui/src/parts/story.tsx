// The time line of a request, drawn from its entries in the log: each line has its proof.

import { useQuery } from '@tanstack/react-query'
import type { RequestView, Someone } from '../client'
import * as asking from '../logic/asking'
import { personal, type Told, told } from '../logic/story'
import { length } from '../logic/times'
import { Answer } from './page'
import { Said } from './said'
import { At } from './time'
import { To } from './to'

export function Story({ request }: { request: RequestView }) {
  const entries = useQuery(asking.story(request.id))
  const names = known(request)
  return (
    <Answer of={entries}>
      {(found) => (
        <ol className="story">
          {found.map((entry) => {
            const line = told(entry)
            const said = words(line, request)
            return (
              <li key={entry.id}>
                <At at={entry.t} />
                <span className="dot" aria-hidden="true">
                  <i data-tone={line.tone} />
                </span>
                <div className="tell">
                  {personal(line.says) && <span className="strong">{names.get(line.actor) ?? 'somebody'} </span>}
                  {line.says}
                  {extra(line, request)}{' '}
                  <To to={`/log/${entry.index}`} className="tiny faint" aria-label={`entry ${entry.index}: the proof`}>
                    #{entry.index}
                  </To>
                  {said && (
                    <div className="quote small">
                      <Said text={said} />
                    </div>
                  )}
                </div>
              </li>
            )
          })}
        </ol>
      )}
    </Answer>
  )
}

function known(request: RequestView): Map<string, string> {
  const people: (Someone | null | undefined)[] = [
    request.requester,
    request.on_behalf_of,
    request.asked_by,
    ...request.stages.flatMap((stage) => stage.eligible),
    ...request.votes.map((vote) => vote.person),
    ...request.messages.map((one) => one.person),
  ]
  return new Map(people.flatMap((one) => (one ? [[one.id, one.name] as const] : [])))
}

/** What was written, which entries only commit to: it stands with the request. */
function words(line: Told, request: RequestView): string {
  // The nearest in time: an entry is stamped a moment after what it tells of, and on a busy machine a longer one.
  const near = <T extends { at: number; person: { id: string } }>(all: T[]): T | undefined =>
    all
      .filter((one) => one.person.id === line.actor)
      .sort((a, b) => Math.abs(a.at - line.t) - Math.abs(b.at - line.t))[0]
  if (line.type === 'request.created') return request.reason
  if (line.type === 'request.voted') return near(request.votes)?.note ?? ''
  if (line.type === 'request.asked' || line.type === 'request.answered') return near(request.messages)?.text ?? ''
  return ''
}

function extra(line: Told, request: RequestView): string {
  if (line.type === 'request.created') {
    return ` for ${length(request.duration_ms)}; rule “${request.rule}” matched: ${request.takes}`
  }
  if (line.type === 'request.voted') {
    const vote = request.votes.find((one) => one.person.id === line.actor)
    return vote?.narrowed_ms ? `, for ${length(vote.narrowed_ms)}` : ''
  }
  return ''
}
