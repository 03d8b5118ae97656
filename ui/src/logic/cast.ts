// A recording in pieces: asciicast v3 lines, with the statements and outcomes that stand beside what players show.

import { counted, measured } from './times'

export type Said = {
  n: number
  t: number
  text: string
  /** Seconds from the beginning of this part of the recording. */
  at: number
  tags: string[]
  rows: number | null
  error: string
  message: string
  durationUs: number | null
  /** What the client saw of rows, where the target has them recorded; `cut`: not all of it was kept. */
  seen: (string | null)[][]
  cut: boolean
  /** It was asked in an earlier part of the recording. */
  earlier: boolean
  /** Why it never reached its target; empty: it was let through. */
  refused: string
}

/** Rows of one statement that are kept for showing; the replay has all that were recorded. */
export const SEEN_MAX = 50

export type Part = {
  lines: string[]
  statements: Map<number, Said>
  seconds: number
  /** Of it, what passed since the last line that players show. */
  waiting: number
  over: boolean
  gap: boolean
}

/** Longer pauses are shown as this long: nobody watches somebody think. */
const IDLE_SECONDS = 2
/** The codes that players know; the others are data beside the picture. */
const PLAYED = new Set(['o', 'i', 'r', 'm', 'x'])

export const emptyPart = (): Part => ({
  lines: [],
  statements: new Map(),
  seconds: 0,
  waiting: 0,
  over: false,
  gap: false,
})

// A terminal has no use for them: they would turn a line around for its reader, or hide in it.
const DIRECTIONS = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g

type Payload = Record<string, unknown>

/** Adds lines to a part. A line that is none is passed over: a recording is shown as far as it can be read. */
export function add(part: Part, text: string): void {
  for (const line of text.split('\n')) {
    if (!line) continue
    if (line.startsWith('{')) continue
    const event = parsed(line)
    if (!event) continue
    const pause = Math.min(event[0], IDLE_SECONDS)
    part.seconds += pause
    part.waiting += pause
    if (PLAYED.has(event[1])) {
      part.lines.push(
        JSON.stringify([Number(part.waiting.toFixed(6)), event[1], event[2].replace(DIRECTIONS, '\ufffd')]),
      )
      part.waiting = 0
    }
    take(part, event[1], event[2])
  }
}

function parsed(line: string): [number, string, string] | null {
  try {
    const event = JSON.parse(line) as unknown[]
    const [interval, code, data] = event
    if (typeof interval !== 'number' || typeof code !== 'string' || typeof data !== 'string') return null
    return [interval, code, data]
  } catch {
    return null
  }
}

function take(part: Part, code: string, data: string): void {
  if (code === 'x') part.over = true
  if (code === 'm' && data === 'gap') part.gap = true
  if (code !== 'sql.q' && code !== 'sql.r' && code !== 'sql.d') return
  let payload: Payload
  try {
    payload = JSON.parse(data) as Payload
  } catch {
    return
  }
  const n = Number(payload.n)
  if (!Number.isInteger(n)) return
  if (code === 'sql.q') part.statements.set(n, asked(n, payload, part))
  else {
    const said = part.statements.get(n) ?? unasked(n, payload, part)
    part.statements.set(n, { ...said, ...(code === 'sql.r' ? outcome(payload) : rowsSeen(payload, said)) })
  }
}

function asked(n: number, payload: Payload, part: Part): Said {
  const same = part.statements.get(Number(payload.same_as))
  const text = typeof payload.text === 'string' ? payload.text : (same?.text ?? '')
  return {
    n,
    t: Number(payload.t),
    text,
    at: part.seconds,
    tags: [],
    rows: null,
    error: '',
    message: '',
    durationUs: null,
    seen: [],
    cut: false,
    earlier: false,
    refused: typeof payload.reason === 'string' ? payload.reason || 'no reason is told' : '',
  }
}

/** A statement that was asked in an earlier part: what came of it is told here. */
const unasked = (n: number, payload: Payload, part: Part): Said => ({
  ...asked(n, { t: payload.t }, part),
  earlier: true,
})

function rowsSeen(payload: Payload, said: Said): Partial<Said> {
  const rows = Array.isArray(payload.rows) ? (payload.rows as (string | null)[][]) : []
  const room = SEEN_MAX - said.seen.length
  return { seen: room > 0 ? [...said.seen, ...rows.slice(0, room)] : said.seen, cut: said.cut || payload.cut === 1 }
}

function outcome(payload: Payload): Partial<Said> {
  return {
    tags: Array.isArray(payload.tags) ? payload.tags.map(String) : [],
    rows: typeof payload.rows === 'number' ? payload.rows : null,
    error: typeof payload.error === 'string' ? payload.error : '',
    message: typeof payload.message === 'string' ? payload.message : '',
    durationUs: typeof payload.duration_us === 'number' ? payload.duration_us : null,
  }
}

/** Statements that are asked about in one go, by their numbers: block 0 has the first so many. */
export const BLOCK = 200

/** The blocks that hold these statements. */
export function blocksOf(first: number, last: number): number[] {
  const from = Math.floor((first - 1) / BLOCK)
  return Array.from({ length: Math.floor((last - 1) / BLOCK) - from + 1 }, (_, n) => from + n)
}

/** What is said of a statement that has no outcome here. `next`: where the next part of the recording begins. */
export const unfinished = (open: boolean, next: string | null): string =>
  open ? 'running …' : next ? 'its outcome is in a later part' : 'no outcome recorded'

/** What came of a statement, in a line; `without`: what is said where nothing did. */
export function outcomeOf(said: Said, without: string): string {
  if (said.refused) return `refused: ${said.refused}`
  if (said.durationUs === null) return without
  const took = measured(said.durationUs / 1000)
  if (said.error) return `${said.error} after ${took}`
  return `${said.tags.join(', ')}${said.rows === null ? '' : ` · ${counted(said.rows, 'row')}`} · ${took}`
}

/** Whether a line about it is bad news. */
export const wentWrong = (said: Said): boolean => Boolean(said.refused || said.error)

/** The part as a file for players, under this header: their terminal is as wide as there is room. */
export const asFile = (part: Part, header: string): string => `${header}\n${part.lines.join('\n')}\n`

/** What a terminal of so many rows shows at the end of a part, without playing all of it: the last lines, as each of them
 * stands by itself. null: something in the part drives the terminal, and all of it has to be played. */
export function lastScreen(part: Part, rows: number): string | null {
  // As it stands in JSON.
  if (part.lines.some((line) => line.includes('\\u001b'))) return null
  const shown: string[] = []
  let ends = 0
  for (let n = part.lines.length - 1; n >= 0 && ends <= rows; n -= 1) {
    const [, code, text] = JSON.parse(part.lines[n] as string) as [number, string, string]
    if (code !== 'o') continue
    shown.unshift(text)
    ends += text.split('\n').length - 1
  }
  return shown.join('')
}
