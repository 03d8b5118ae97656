// What is made of a search: its question as the address holds it and as the API takes it, and files to take along.

import type { HitView } from '../client'

/** What the address holds. `since` is a length (`7d`) or a time (ms); `until` a time. */
export type Question = {
  q?: string
  person?: string
  target?: string
  table?: string
  kind?: string
  outcome?: string
  since?: string
  until?: string
}
export const FIELDS = ['person', 'target', 'table', 'kind', 'outcome'] as const

const DAY = 86_400_000
const SINCE: Record<string, number> = { '1d': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '365d': 365 * DAY }
const time = (text: string | undefined): number | undefined =>
  text && /^\d{9,15}$/.test(text) ? Number(text) : undefined

/** The question as the API takes it. */
export function query(asked: Question, now: number) {
  const length = asked.since ? SINCE[asked.since] : undefined
  const fields = Object.fromEntries(FIELDS.flatMap((field) => (asked[field] ? [[field, asked[field]]] : [])))
  return {
    q: asked.q ?? '',
    ...(fields as Partial<Record<(typeof FIELDS)[number], string>>),
    // Since the whole minute, so that asking again asks the same.
    since: time(asked.since) ?? (length && Math.floor((now - length) / 60_000) * 60_000),
    until: time(asked.until),
  }
}

/** The days (`2026-11-25`) or months (`2026-11`) of a facet as an address holds them, in UTC. */
export function span(value: string): { since: string; until: string } {
  const [year = 0, month = 1, day] = value.split('-').map(Number)
  const from = Date.UTC(year, month - 1, day ?? 1)
  const until = day === undefined ? Date.UTC(year, month, 1) : from + DAY
  return { since: String(from), until: String(until) }
}

const COLUMNS = [
  'index',
  'time',
  'type',
  'person',
  'target',
  'kind',
  'effect',
  'tables',
  'session',
  'request',
  'said',
  'state',
  'leaf',
]

/** CSV by RFC 4180. A cell that a spreadsheet would take for a formula is kept from being one. */
export function toCsv(hits: HitView[]): string {
  const rows = hits.map((hit) => [
    String(hit.index),
    new Date(hit.t).toISOString(),
    hit.type,
    hit.person?.email ?? '',
    hit.target ?? '',
    hit.kind,
    hit.effect,
    hit.tables.join(' '),
    hit.session ?? '',
    hit.request ?? '',
    Object.values(hit.said).join(' '),
    hit.state,
    hit.leaf,
  ])
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Has the browser save a file that was made here. */
export function save(name: string, media: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: media }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
