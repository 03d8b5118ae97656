// The statements of a session, beside its recording: each jumps to its place.

import { useInfiniteQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import type { SessionView, StatementView } from '../client'
import * as asking from '../logic/asking'
import type { Said as SaidOnce } from '../logic/cast'
import type { Watched } from '../logic/watching'
import { Empty } from './page'
import { Said } from './said'
import { State } from './state'
import { outcomeOf } from './transcript'

const ROW = 66
/** Beyond that the details of each are not asked for: the recording itself says what was said. */
const DETAILED_MAX = 5000

type Props = { session: SessionView; watched: Watched; jump: (said: SaidOnce) => void }

export function Statements({ session, watched, jump }: Props) {
  const details = useInfiniteQuery({
    ...asking.statements(session.id),
    enabled: session.statements <= DETAILED_MAX,
  })
  const byNumber = new Map(
    (details.data?.pages ?? []).flatMap((page) => page.items.map((one) => [one.n, one] as const)),
  )
  const all = [...watched.part.statements.values()]
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 10,
  })
  return (
    <section className="card" aria-label="Statements">
      <h2 style={{ margin: 0, padding: '10px 14px' }}>
        Statements <span className="faint small num">{all.length}</span>
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
          {virtual.getVirtualItems().map((item) => {
            const said = all[item.index] as SaidOnce
            return (
              <button
                type="button"
                key={said.n}
                className="statement"
                style={{ top: item.start, height: ROW }}
                onClick={() => jump(said)}
              >
                <One said={said} detail={byNumber.get(said.n)} />
              </button>
            )
          })}
        </div>
      </div>
    </section>
  )
}

function One({ said, detail }: { said: SaidOnce; detail: StatementView | undefined }) {
  const touched = detail ? [...detail.writes.map((name) => `✎ ${name}`), ...detail.reads] : []
  return (
    <>
      <span className="sql cut" style={{ whiteSpace: 'nowrap' }}>
        <span className="faint num">{said.n} </span>
        <Said line text={said.text} />
      </span>
      <span className="tiny cut" style={{ color: said.error ? 'var(--bad)' : 'var(--faint)' }}>
        {detail?.state === 'REFUSED' ? <State state="REFUSED" /> : outcomeOf(said)}
      </span>
      {touched.length > 0 && (
        <span className="tiny faint cut">
          {detail?.kind} · {touched.join(', ')}
        </span>
      )}
    </>
  )
}
