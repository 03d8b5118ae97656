// A recording as the server gives it: part by part for one that is over, and as it grows for one that is not.

import { useEffect, useRef, useState } from 'react'
import { add, emptyPart, type Part } from './cast'
import { type Following, follow } from './events'

/** What one part holds at most, so that a recording of any length shows its first picture at once. */
export const PART_CHARACTERS = 2_000_000

export type Watched = {
  part: Part
  header: string
  /** Counts what has been added, for who draws. */
  version: number
  state: Following | 'refused' | 'full'
  problem: string
  /** Where the next part begins; null: this is the last. */
  next: string | null
}

/** Follow a session's recording from this place on, up to one part of it. */
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
          watched.header ||= watched.part.header
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

const begun = (): Watched => ({ part: emptyPart(), header: '', version: 0, state: 'live', problem: '', next: null })
