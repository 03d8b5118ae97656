// The statements of a session, beside its recording: each jumps to its place.

import { useQueries } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { SessionView, StatementView } from '../client'
import * as asking from '../logic/asking'
import { blocksOf, outcomeOf, type Said as SaidOnce, unfinished, wentWrong } from '../logic/cast'
import type { Watched } from '../logic/watching'
import { Empty } from './page'
import { Said } from './said'

const ROW = 66

type Props = {
  session: SessionView
  watched: Watched
  live: boolean
  chosen: number | null
  jump: (said: SaidOnce) => void
}

export function Statements({ session, watched, live, chosen, jump }: Props) {
  const all = [...watched.part.statements.values()].filter((one) => !one.earlier)
  const without = unfinished(live, watched.next)
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const byNumber = useDetails(session.id, [all[items[0]?.index ?? 0]?.n, all[items.at(-1)?.index ?? 0]?.n])
  const at = all.findIndex((one) => one.n === chosen)
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: 'center' })
  }, [at, virtual])
  const whole = Math.max(session.statements, all.length)
  return (
    <section className="card" aria-label="Statements">
      <h2 style={{ margin: 0, padding: '10px 14px' }}>
        Statements{' '}
        <span className="faint small num">
          {all.length === whole ? all.length : `${all.length} of ${whole.toLocaleString('en-GB')} in this part`}
        </span>
      </h2>
      {all.length === 0 && <Empty title="None yet" />}
      <div
        ref={box}
        style={{ maxHeight: '66dvh', overflow: 'auto' }}
        tabIndex={0}
        role="group"
        aria-label="Statement list"
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map((item) => {
            const said = all[item.index] as SaidOnce
            return (
              <button
                type="button"
                key={said.n}
                className="statement"
                aria-current={said.n === chosen || undefined}
                style={{ top: item.start, height: ROW }}
                onClick={() => jump(said)}
              >
                <One said={said} without={without} detail={byNumber.get(said.n)} />
              </button>
            )
          })}
        </div>
      </div>
    </section>
  )
}

/** What the log says of the statements in sight (from this number to that), by number. */
function useDetails(session: string, [first, last]: (number | undefined)[]): Map<number, StatementView> {
  const blocks = first === undefined || last === undefined ? [] : blocksOf(first, last)
  return useQueries({
    queries: blocks.map((block) => asking.statements(session, block)),
    combine: (found) => new Map(found.flatMap((one) => (one.data ?? []).map((each) => [each.n, each] as const))),
  })
}

type OneProps = { said: SaidOnce; without: string; detail: StatementView | undefined }

function One({ said, without, detail }: OneProps) {
  const touched = detail ? [...detail.writes.map((name) => `✎ ${name}`), ...detail.reads] : []
  return (
    <>
      <span className="sql cut" style={{ whiteSpace: 'nowrap' }}>
        <span className="faint num">{said.n} </span>
        <Said line text={said.text} />
      </span>
      <span className="tiny cut" style={{ color: wentWrong(said) ? 'var(--bad)' : 'var(--faint)' }}>
        <Said line text={outcomeOf(said, without)} />
      </span>
      {touched.length > 0 && (
        <span className="tiny faint cut">
          {detail?.kind} · <Said line text={touched.join(', ')} />
        </span>
      )}
    </>
  )
}
