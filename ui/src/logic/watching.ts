// A recording as the server gives it: part by part for one that is over, and as it grows for one that is not.

import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import * as asking from './asking'
import { add, emptyPart, type Part } from './cast'
import { type Following, follow } from './events'

/** What is kept of a recording that goes on; then its newest part is begun anew. */
export const PART_CHARACTERS = 2_000_000

export type Watched = {
  part: Part
  /** Counts what has been added, for who draws. */
  version: number
  state: Following | 'refused' | 'full' | 'waiting'
  problem: string
  /** Where the next part begins; null: this is the last. */
  next: string | null
}

/** One part of a recording that is over. */
export function usePart(session: string, place: string): Watched {
  const got = useQuery(asking.part(session, place))
  return useMemo(() => {
    const watched: Watched = { ...begun(), state: 'waiting' }
    if (got.error) return { ...watched, state: 'refused', problem: got.error.message }
    if (!got.data) return watched
    add(watched.part, got.data.text)
    return { ...watched, version: 1, state: 'over', next: got.data.next }
  }, [got.data, got.error])
}

/** Follow the recording of a session that goes on, from this place on. */
export function useRecording(session: string, place: string): Watched {
  const kept = useRef<Watched>(begun())
  const [, drawn] = useState(0)
  useEffect(() => {
    const watched = begun()
    kept.current = watched
    let size = 0
    const draw = () => {
      watched.version += 1
      drawn((n) => n + 1)
    }
    return follow({
      url: (last) => `/api/v1/sessions/${encodeURIComponent(session)}/watch?after=${last || place}`,
      state: (state) => {
        if (watched.state === 'full' || watched.state === 'refused') return
        watched.state = state
        draw()
      },
      event: ({ event, data, id }) => {
        if (event === 'refused') {
          watched.problem = String((JSON.parse(data) as { detail?: string }).detail)
          watched.state = 'refused'
          draw()
          return true
        }
        const text = JSON.parse(data) as string
        if (text) {
          add(watched.part, text)
          size += text.length
          draw()
        }
        if (event === 'over') return true
        if (size < PART_CHARACTERS) return undefined
        watched.next = id
        watched.state = 'full'
        draw()
        return true
      },
    })
  }, [session, place])
  return kept.current
}

const begun = (): Watched => ({ part: emptyPart(), version: 0, state: 'live', problem: '', next: null })
