// The named questions: what an address asks, and how their numbers are said. Nothing is counted here.

import { length } from './times'

const DAY = 86_400_000
export const LASTS = ['7d', '30d', '90d', '365d'] as const
export type Unit = 'ms' | 'share' | 'count'

/** What stands in the address: a period up to now (`30d`), or two days with both of them in it. */
export type Asked = { last?: string; from?: string; to?: string; by?: string; only?: string }

const dayOf = (text: string | undefined): number | undefined => {
  if (!text || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  const at = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(at) ? undefined : at
}

/** The period that is asked for; the server's own thirty days where the address says nothing that can be read. */
export function period(asked: Asked, now: number): { since?: number; until?: number } {
  const from = dayOf(asked.from)
  const to = dayOf(asked.to)
  if (from !== undefined || to !== undefined) {
    const until = Math.min(now, (to ?? now - DAY) + DAY)
    return { since: from ?? until - 30 * DAY, until }
  }
  const days = /^(\d{1,3})d$/.exec(asked.last ?? '')?.[1]
  return days && Number(days) > 0 ? { since: now - Number(days) * DAY, until: now } : {}
}

/** The day of a time (UTC), as an address and a date field have it. */
export const isoDay = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** A number in its unit: `12`, `37 %`, `6m40s`; a dash where there is nothing to take it of. */
export function figure(unit: Unit, number: number | null): string {
  if (number === null) return '–'
  if (unit === 'ms') return length(Math.round(number))
  if (unit === 'share') return percent(number)
  return number.toLocaleString('en-GB')
}

const percent = (share: number): string => {
  const hundred = share * 100
  return `${hundred > 0 && hundred < 10 ? hundred.toFixed(1) : Math.round(hundred)} %`
}

/** How it differs from the former period: `5 more`, `12 points less`, `2m less`; empty where that cannot be said. */
export function change(unit: Unit, number: number | null, former: number | null): string {
  if (number === null || former === null) return ''
  const off = Math.abs(number - former)
  const said = unit === 'ms' ? length(Math.round(off)) : unit === 'share' ? points(off) : off.toLocaleString('en-GB')
  if (off === 0 || said === '0 points' || said === '0ms') return 'as before'
  const word = unit === 'ms' ? (number > former ? 'longer' : 'shorter') : number > former ? 'more' : 'less'
  return `${said} ${word}`
}

const points = (share: number): string => {
  const off = share * 100
  const said = off < 10 ? off.toFixed(1).replace(/\.0$/, '') : String(Math.round(off))
  return `${said} ${said === '1' ? 'point' : 'points'}`
}

/** A column's name for people: `decided_by` becomes `decided by`, `took_ms` becomes `took`. */
export const heading = (column: string): string => column.replace(/_ms$/, '').replaceAll('_', ' ')

/** How wide a column is, by what stands in it. */
export function width(column: string): string {
  if (column === 'at') return '150px'
  if (
    column.endsWith('_ms') ||
    ['statements', 'sessions', 'people', 'met', 'vote', 'effect', 'given', 'done'].includes(column)
  )
    return '90px'
  if (['request', 'grant', 'example', 'role', 'kind'].includes(column)) return '100px'
  if (['state', 'ratified'].includes(column)) return '120px'
  return 'minmax(140px, 1fr)'
}

/** The narrowest that a table of these columns may become; beyond that it is scrolled sideways. */
export const narrowest = (columns: readonly string[]): number =>
  32 + columns.reduce((sum, column) => sum + 12 + Number(/\d+/.exec(width(column))?.[0] ?? 100), 0)
