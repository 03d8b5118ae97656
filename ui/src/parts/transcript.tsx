// What happened, as text: statements and what came of them, the newest last. It scrolls along while the session lasts.

import { useEffect, useRef } from 'react'
import type { Said as SaidOnce } from '../logic/cast'
import { measured } from '../logic/times'
import type { Watched } from '../logic/watching'
import { Empty } from './page'
import { Said } from './said'
import { At } from './time'

const SHOWN_MAX = 500

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
        <Line key={one.n} said={one} />
      ))}
      {watched.part.gap && <p className="problem">This recording has a gap: something that happened is missing.</p>}
    </div>
  )
}

function Line({ said }: { said: SaidOnce }) {
  return (
    <div style={{ marginBottom: 10 }}>
      <div style={{ display: 'flex', gap: 10 }}>
        <span className="tiny faint">
          <At at={said.t} />
        </span>
        <div className="sql grow">
          <Said text={said.text} />
        </div>
      </div>
      <div className="small" style={{ paddingLeft: 62, color: said.error ? 'var(--bad)' : 'var(--faint)' }}>
        {outcomeOf(said)} {said.message && <Said text={said.message} />}
      </div>
    </div>
  )
}

/** What came of a statement, in a line. */
export function outcomeOf(said: SaidOnce): string {
  if (said.durationUs === null) return 'running …'
  const took = measured(said.durationUs / 1000)
  if (said.error) return `${said.error} after ${took}`
  return `${said.tags.join(', ')}${said.rows === null ? '' : ` · ${said.rows} rows`} · ${took}`
}
