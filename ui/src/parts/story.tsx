// The time line of a request, drawn from its entries in the log: each line has its proof.

import { Button } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Fragment, useState } from 'react'
import type { RequestView } from '../client'
import * as asking from '../logic/asking'
import { newDay, type Told, told } from '../logic/story'
import { counted } from '../logic/times'
import { Answer, Wrong } from './page'
import { Said } from './said'
import { State } from './state'
import { At } from './time'
import { To } from './to'

const OPENED = 'session.opened'
/** Sessions whose statements are told at once; those of further ones are asked for. */
const OPENED_MAX = 5

export function Story({ request }: { request: RequestView }) {
  const entries = useInfiniteQuery(asking.story(request.id))
  return (
    <Answer of={entries}>
      {(found) => {
        const lines = found.pages.flatMap((page) => page.items).map(told)
        const opened = lines.filter((line) => line.type === OPENED).slice(0, OPENED_MAX)
        return (
          <>
            <ol className="story">
              {lines.map((line, n) => (
                <Fragment key={line.id}>
                  <Day name={newDay(line, lines[n - 1])} />
                  <Line
                    line={line}
                    takes={line.type === 'request.created' ? request.takes : ''}
                    open={opened.includes(line)}
                  />
                </Fragment>
              ))}
            </ol>
            {entries.hasNextPage && (
              <div className="pad">
                <Button
                  variant="default"
                  loading={entries.isFetchingNextPage}
                  onClick={() => void entries.fetchNextPage()}
                >
                  Show what came next
                </Button>
              </div>
            )}
          </>
        )
      }}
    </Answer>
  )
}

const Day = ({ name }: { name: string }) =>
  name ? (
    <li className="day">
      <span className="small strong">{name}</span>
    </li>
  ) : null

function Line({ line, takes, open }: { line: Told; takes: string; open: boolean }) {
  return (
    <li>
      <At at={line.t} />
      <span className="dot" aria-hidden="true">
        <i data-tone={line.tone} />
      </span>
      <div className="tell">
        {line.who && <span className="strong">{line.who} </span>}
        <Said text={takes ? `${line.says}: ${takes}` : line.says} />{' '}
        {line.session && (
          <>
            <To to={`/sessions/${line.session}`} className="small">
              the session
            </To>{' '}
          </>
        )}
        <To to={`/log/${line.index}`} className="tiny faint" aria-label={`entry ${line.index}: the proof`}>
          #{line.index}
        </To>
        {line.words && (
          <div className="quote small">
            <Said text={line.words} />
          </div>
        )}
        {line.type === OPENED && <Statements session={line.session} open={open} />}
      </div>
    </li>
  )
}

/** Statements of a session that its line tells; the session's own page has all of them. */
const TOLD_MAX = 20

/** What was done in a session, below the line of its beginning. */
function Statements({ session, open }: { session: string; open: boolean }) {
  const [wanted, setWanted] = useState(open)
  const whole = useQuery({ ...asking.session(session), enabled: wanted })
  const said = useQuery({ ...asking.statements(session, 0), enabled: wanted })
  const found = said.data ?? []
  const shown = found.slice(0, TOLD_MAX)
  const more = Math.max(found.length, whole.data?.statements ?? 0) - shown.length
  if (!wanted) {
    return (
      <div>
        <button type="button" className="link small" onClick={() => setWanted(true)}>
          what was done in it
        </button>
      </div>
    )
  }
  if (said.error && !said.data) return <Wrong error={said.error} again={() => void said.refetch()} />
  return (
    <ol className="said-there" aria-label="Statements">
      {shown.map((one) => (
        <li key={one.id}>
          <To to={`/sessions/${session}`} search={{ n: String(one.n) }} className="sql cut told">
            {one.text === null ? `${one.kind}, text not kept` : <Said line text={one.text} />}
          </To>
          {one.state === 'COMPLETED' && one.rows !== null ? (
            <span className="tiny faint">{counted(one.rows, 'row')}</span>
          ) : (
            <State state={one.state} />
          )}
        </li>
      ))}
      {more > 0 && (
        <li>
          <To to={`/sessions/${session}`} className="small">
            and {counted(more, 'statement')} more
          </To>
        </li>
      )}
    </ol>
  )
}
