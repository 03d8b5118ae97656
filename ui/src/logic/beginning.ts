// What a page shows first is asked for while its code is still loaded, so that it is drawn once, with everything in it.
// The gateway has the browser fetch the same answers along with the app (src/daypass/api/ahead.py).

import type { RecordingBeginning } from '../client'
import * as asking from './asking'
import { queries } from './queries'
import { know } from './visit'

export const LIVE = ['OPEN', 'REGISTERED']

/** The place, or the statement, that the address of a session names. */
export type Chosen = { place?: string; n?: string }

/** Where to begin: the place in the address, the part of the statement in the address, or the newest or first part. */
export function beginning(asked: Chosen, parts: RecordingBeginning[] | undefined, live: boolean): string | null {
  if (asked.place && /^\d+$/.test(asked.place)) return asked.place
  if (!live && !asked.n) return '0'
  if (!parts) return null
  const part = asked.n ? parts[partOf(parts, Number(asked.n))] : parts.at(-1)
  return part?.id ?? '0'
}

/** The number of the part in which a statement stands, among parts in order. */
export function partOf(parts: RecordingBeginning[], statement: number): number {
  let found = 0
  parts.forEach((one, n) => {
    if (one.statement !== null && one.statement <= statement) found = n
  })
  return found
}

/** Ask once it is known who asks: of nobody nothing is asked but that. What is refused the page asks again, and tells. */
async function known(ask: () => Promise<unknown>): Promise<void> {
  try {
    await queries.ensureQueryData(asking.me)
    know(true)
    await ask()
  } catch {}
}

export const beginHome = () =>
  known(() =>
    Promise.all([
      queries.prefetchQuery(asking.grants('mine', true)),
      queries.prefetchInfiniteQuery(asking.requests('to-decide')),
      queries.prefetchInfiniteQuery(asking.obligations(false)),
      queries.prefetchInfiniteQuery(asking.requests('mine')),
    ]),
  )

export const beginSession = (id: string, chosen: Chosen) =>
  known(async () => {
    const live = LIVE.includes((await queries.fetchQuery(asking.session(id))).state)
    const place = beginning(chosen, undefined, live)
    void queries.prefetchQuery(asking.parts(id, live))
    if (!live && place !== null) await queries.prefetchQuery(asking.part(id, place))
  })
