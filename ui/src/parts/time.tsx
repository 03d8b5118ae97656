// Times that stay true: everything counts by the server's clock, once a second, in step.

import { useSyncExternalStore } from 'react'
import { now } from '../logic/clock'
import { countdown, relative, timeOfDay, whole } from '../logic/times'

const listeners = new Set<() => void>()
let second = 0
let timer: ReturnType<typeof setInterval> | undefined

function tick(): void {
  const present = Math.floor(now() / 250)
  if (present === second) return
  second = present
  for (const tell of listeners) tell()
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell)
  timer ??= setInterval(tick, 250)
  return () => {
    listeners.delete(tell)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** The server's time, kept current. */
export function useNow(): number {
  useSyncExternalStore(subscribe, () => second)
  return now()
}

export function Ago({ at }: { at: number }) {
  const present = useNow()
  return (
    <time dateTime={new Date(at).toISOString()} title={whole(at)}>
      {relative(at, present)}
    </time>
  )
}

export function At({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={whole(at)} className="num">
      {timeOfDay(at)}
    </time>
  )
}

/** What is left until then. */
export function Left({ until, over = 'ending now' }: { until: number; over?: string }) {
  const left = until - useNow()
  return (
    <span className="num" title={whole(until)}>
      {left > 0 ? countdown(left) : over}
    </span>
  )
}

/** How much of a length is left, as a bar. */
export function LeftBar({ until, lasts }: { until: number; lasts: number }) {
  const left = Math.max(0, Math.min(1, (until - useNow()) / lasts))
  return (
    <div className="bar" data-short={left < 0.15 || undefined} aria-hidden="true">
      <i style={{ width: `${left * 100}%` }} />
    </div>
  )
}
