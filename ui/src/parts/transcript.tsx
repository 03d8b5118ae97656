// What happened, as text: statements and what came of them, the newest last. It scrolls along while the session lasts.

import { useEffect, useRef } from 'react'
import { outcomeOf, type Said as SaidOnce, SEEN_MAX, unfinished, wentWrong } from '../logic/cast'
import type { Watched } from '../logic/watching'
import { Empty } from './page'
import { Said } from './said'
import { At } from './time'

const SHOWN_MAX = 500

/** `follow`: the session goes on, and the newest line stays in sight. */
export function Transcript({ watched, follow }: { watched: Watched; follow: boolean }) {
  const box = useRef<HTMLDivElement>(null)
  const { version } = watched
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is new lines that have it scroll
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [version, follow])
  const all = [...watched.part.statements.values()]
  const shown = follow ? all.slice(-SHOWN_MAX) : all.slice(0, SHOWN_MAX)
  if (all.length === 0) {
    return (
      <Empty title={follow ? 'Nothing was said yet' : 'Nothing was recorded'}>
        Statements appear as they are sent.
      </Empty>
    )
  }
  return (
    <div className="transcript" ref={box} role="log" aria-label="Transcript" tabIndex={0}>
      {all.length > shown.length && <p className="faint tiny">{all.length - shown.length} more are in the replay</p>}
      {shown.map((one) => (
        <Line key={one.n} said={one} without={unfinished(follow, watched.next)} />
      ))}
    </div>
  )
}

function Line({ said, without }: { said: SaidOnce; without: string }) {
  return (
    <div style={{ marginBottom: 10 }}>
      <div style={{ display: 'flex', gap: 10 }}>
        <span className="tiny faint">
          <At at={said.t} />
        </span>
        <div className="sql grow">
          {said.earlier ? (
            <span className="faint">statement {said.n}, sent in an earlier part</span>
          ) : (
            <Said text={said.text} />
          )}
        </div>
      </div>
      {said.seen.length > 0 && <Seen said={said} />}
      <div className="small" style={{ paddingLeft: 62, color: wentWrong(said) ? 'var(--bad)' : 'var(--faint)' }}>
        <Said text={outcomeOf(said, without)} /> {said.message && <Said text={said.message} />}
      </div>
    </div>
  )
}

/** What the client saw. */
function Seen({ said }: { said: SaidOnce }) {
  return (
    <div className="seen" style={{ paddingLeft: 62 }}>
      {said.seen.map((row, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have an order and no name
        <div key={n} className="mono tiny cut">
          <Said line mono text={row.map((cell) => cell ?? 'NULL').join(' | ')} />
        </div>
      ))}
      {said.cut && <div className="tiny faint">more rows were not kept</div>}
      {!said.cut && said.seen.length === SEEN_MAX && <div className="tiny faint">the replay has all rows</div>}
    </div>
  )
}
