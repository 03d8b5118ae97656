// A recording in pieces: asciicast v3 lines, with the statements and outcomes that stand beside what players show.

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
  cut: boolean
}

export type Part = {
  header: string
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
  header: '',
  lines: [],
  statements: new Map(),
  seconds: 0,
  waiting: 0,
  over: false,
  gap: false,
})

type Payload = Record<string, unknown>

/** Adds lines to a part. A line that is none is passed over: a recording is shown as far as it can be read. */
export function add(part: Part, text: string): void {
  for (const line of text.split('\n')) {
    if (!line) continue
    if (line.startsWith('{')) {
      part.header = line
      continue
    }
    const event = parsed(line)
    if (!event) continue
    const pause = Math.min(event[0], IDLE_SECONDS)
    part.seconds += pause
    part.waiting += pause
    if (PLAYED.has(event[1])) {
      part.lines.push(JSON.stringify([Number(part.waiting.toFixed(6)), event[1], event[2]]))
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
  if (code !== 'sql.q' && code !== 'sql.r') return
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
    const said = part.statements.get(n)
    if (said) part.statements.set(n, { ...said, ...outcome(payload) })
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
    cut: false,
  }
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

/** The part as a file for players. */
export const asFile = (part: Part, header: string): string => `${part.header || header}\n${part.lines.join('\n')}\n`
