// One console, as the page has it: what was run, what came of it, whether it goes on. It outlives the page that shows
// it, so that a look at something else ends no transaction; it ends when the window does.

import type { ConsoleView } from '../client'
import * as api from '../client'
import { got, Refusal } from './api'
import { type Following, follow } from './events'
import { type Table, tablesOf } from './results'
import { onSignedIn, signedIn } from './visit'

export type Column = { name: string; type: string }
export type Row = (string | null)[]
export type Remark = { severity: string; code: string; message: string; detail: string; hint: string }
export type Mistake = Remark & { position: number | null }
export type Over = { because: string; message: string; hint: string }
export type Transaction = 'idle' | 'open' | 'failed'

/** One statement and what came of it. `rows` grows; `version` says that it did. */
export type Result = {
  key: number
  text: string
  at: number
  columns: Column[] | null
  rows: Row[]
  version: number
  tag: string | null
  dropped: number
  ms: number | null
  error: Mistake | null
  notices: Remark[]
}

type Line =
  | { kind: 'statement'; n: number; of: number; start: number; end: number }
  | { kind: 'columns'; columns: Column[] }
  | { kind: 'rows'; rows: Row[] }
  | ({ kind: 'notice' } & Remark)
  | ({ kind: 'error' } & Mistake)
  | { kind: 'done'; tag: string; rows: number; dropped: number; ms: number }
  | { kind: 'ready'; transaction: Transaction }
  | ({ kind: 'over' } & Over)
  | { kind: 'beat' }

export type Snapshot = {
  view: ConsoleView | null
  state: 'none' | 'opening' | 'open' | 'over'
  running: boolean
  stopping: boolean
  heard: Following
  transaction: Transaction
  over: Over | null
  problem: unknown
  results: Result[]
  ran: Result[]
  remarks: Remark[]
}

export const NOTHING: Snapshot = {
  view: null,
  state: 'none',
  running: false,
  stopping: false,
  heard: 'live',
  transaction: 'idle',
  over: null,
  problem: null,
  results: [],
  ran: [],
  remarks: [],
}

const HISTORY_MAX = 200
const REMARKS_MAX = 50

export class ConsoleStore {
  /** What is typed: it stays while one looks at other pages. */
  draft = ''
  private now: Snapshot = NOTHING
  private listeners = new Set<() => void>()
  private unfollow: () => void = () => undefined
  private keys = 0
  private due = false

  snapshot = (): Snapshot => this.now

  subscribe = (tell: () => void): (() => void) => {
    this.listeners.add(tell)
    return () => this.listeners.delete(tell)
  }

  private set(part: Partial<Snapshot>): void {
    this.now = { ...this.now, ...part }
    for (const tell of this.listeners) tell()
  }

  /** Rows come faster than anybody sees them: told once a picture. */
  private soon(): void {
    if (this.due) return
    this.due = true
    setTimeout(() => {
      this.due = false
      this.set({ results: [...this.now.results] })
    }, 60)
  }

  async open(target: string, role: string): Promise<void> {
    await this.close()
    this.set({ ...NOTHING, state: 'opening', ran: this.now.ran })
    try {
      const view = await got(api.openConsole({ body: { target, role } }))
      this.set({ view, state: 'open', transaction: view.transaction })
      this.followIt(view.id)
    } catch (problem) {
      this.set({ state: 'none', problem })
    }
  }

  private followIt(id: string): void {
    this.unfollow = follow({
      url: () => `/api/v1/consoles/${encodeURIComponent(id)}/events`,
      state: (heard) => {
        // Gone without a word: the node that had it was started again, or it was forgotten.
        if (heard === 'over' && this.now.state === 'open') {
          this.ended({ because: 'broken', message: 'this console is not there any more', hint: 'open it again' })
        } else this.set({ heard })
      },
      event: (event) => this.told(JSON.parse(event.data) as Line),
    })
  }

  private told(line: Line): boolean | undefined {
    if (line.kind === 'notice') this.set({ remarks: [line, ...this.now.remarks].slice(0, REMARKS_MAX) })
    if (line.kind === 'over') {
      this.ended(line)
      return true
    }
    return undefined
  }

  private ended(over: Over): void {
    if (this.now.over) return
    this.unfollow()
    this.set({ state: 'over', over, running: false, stopping: false, transaction: 'idle' })
  }

  /** Run a text; what came of each of its statements replaces what is shown. `offset`: where it stands in the editor. */
  async run(text: string, offset = 0): Promise<void> {
    const { view, state, running } = this.now
    if (!view || state !== 'open' || running) return
    this.set({ running: true, stopping: false, problem: null, results: [], remarks: [] })
    try {
      for await (const line of lines(view.id, text)) this.take(line, text, offset)
    } catch (problem) {
      if (this.now.state === 'open') this.set({ problem })
    }
    this.set({ running: false, stopping: false, results: [...this.now.results] })
  }

  private take(line: Line, text: string, offset: number): void {
    const current = this.now.results.at(-1)
    switch (line.kind) {
      case 'statement': {
        const whole = [...text].slice(line.start, line.end).join('')
        const made = this.result(whole, offset)
        this.set({ results: [...this.now.results, made], ran: [made, ...this.now.ran].slice(0, HISTORY_MAX) })
        return
      }
      case 'ready':
        this.set({ transaction: line.transaction })
        return
      case 'over':
        this.ended(line)
        return
      case 'beat':
        return
    }
    if (!current) return
    current.version += 1
    if (line.kind === 'columns') {
      // A statement that gives a second result (a rule's) shows it in its own place.
      if (current.columns)
        this.set({ results: [...this.now.results, { ...this.result(current.text, offset), columns: line.columns }] })
      else current.columns = line.columns
    }
    if (line.kind === 'rows') for (const row of line.rows) current.rows.push(row)
    if (line.kind === 'notice') current.notices.push(line)
    if (line.kind === 'error') current.error = line
    if (line.kind === 'done') {
      current.tag = line.tag
      current.dropped = line.dropped
      current.ms = line.ms
    }
    this.soon()
  }

  private result(text: string, at: number): Result {
    this.keys += 1
    return {
      key: this.keys,
      text,
      at,
      columns: null,
      rows: [],
      version: 0,
      tag: null,
      dropped: 0,
      ms: null,
      error: null,
      notices: [],
    }
  }

  async cancel(): Promise<void> {
    if (!this.now.view || !this.now.running) return
    this.set({ stopping: true })
    await got(api.cancelInConsole({ path: { id: this.now.view.id } }))
  }

  forget(): void {
    this.unfollow()
    this.draft = ''
    this.set(NOTHING)
  }

  /** Close it, also while the window goes away: then nobody waits for the answer. */
  async close(leaving = false): Promise<void> {
    const { view, state } = this.now
    this.unfollow()
    if (!view || state !== 'open') return
    this.set({
      state: 'over',
      over: { because: 'closed', message: 'you closed this console', hint: '' },
      running: false,
    })
    try {
      await got(api.closeConsole({ path: { id: view.id }, keepalive: leaving }))
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem // who is not heard closes it by not being there
    }
  }
}

/** The one console of this window. */
export const console_ = new ConsoleStore()

// Whoever signs in next in this window sees nothing of it.
onSignedIn(() => {
  if (signedIn() === false) console_.forget()
})

if (typeof window !== 'undefined') {
  window.addEventListener('pagehide', () => void console_.close(true))
}

/** The tables that this console can read. It is a statement as every other, and on the record. */
export async function readTables(view: ConsoleView): Promise<Table[]> {
  const rows: Row[] = []
  for await (const line of lines(view.id, view.schema_query)) {
    if (line.kind === 'rows') for (const row of line.rows) rows.push(row)
    if (line.kind === 'error') throw new Refusal(409, line.message, line.hint)
  }
  return tablesOf(rows)
}

/** Run a text and give the lines of the answer. Throws `Refusal`. */
async function* lines(id: string, text: string): AsyncGenerator<Line> {
  const path = `/api/v1/consoles/${encodeURIComponent(id)}/run`
  let answer: Response
  try {
    answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Daypass-CSRF': '1' },
      body: JSON.stringify({ text }),
    })
  } catch {
    throw new Refusal(
      0,
      'Daypass does not answer',
      'It is not known whether the statement ran: look before you repeat it.',
    )
  }
  if (!answer.ok || !answer.body) {
    const told = (await answer.json().catch(() => ({}))) as { detail?: string; hint?: string }
    throw new Refusal(answer.status, told.detail ?? `the server answered ${answer.status}`, told.hint ?? '')
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  const rest: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const parts = value.split('\n')
      rest.push(parts[0] ?? '')
      for (const part of parts.slice(1)) {
        const whole = rest.join('')
        rest.length = 0
        rest.push(part)
        if (whole) yield JSON.parse(whole) as Line
      }
    }
  } catch (problem) {
    if (problem instanceof SyntaxError) throw problem
    throw new Refusal(0, 'the answer broke off', 'What runs is stopped when nobody listens: look before you repeat it.')
  }
}
