// What is made of search hits: facets that narrow down, and files to take along.

import type { HitView } from '../client'

export type FacetName = 'person' | 'target' | 'table' | 'kind'
export type Facet = { name: FacetName; values: { value: string; label: string; count: number }[] }

const VALUES_MAX = 8

/** What the hits that are here have in common, the most frequent first. Counts are of those that are here. */
export function facets(hits: HitView[]): Facet[] {
  const of = (name: FacetName, values: (hit: HitView) => [string, string][]): Facet => {
    const counts = new Map<string, { label: string; count: number }>()
    for (const hit of hits) {
      for (const [value, label] of values(hit)) {
        const known = counts.get(value)
        if (known) known.count += 1
        else counts.set(value, { label, count: 1 })
      }
    }
    const sorted = [...counts].map(([value, rest]) => ({ value, ...rest })).sort((a, b) => b.count - a.count)
    return { name, values: sorted.slice(0, VALUES_MAX) }
  }
  return [
    of('person', (hit) => (hit.person?.email.includes('@') ? [[hit.person.email, hit.person.name]] : [])),
    of('target', (hit) => (hit.target ? [[hit.target, hit.target]] : [])),
    of('table', (hit) => hit.tables.map((table) => [table, table] as [string, string])),
    of('kind', (hit) => [[hit.kind || hit.type, hit.kind || hit.type]]),
  ].filter((facet) => facet.values.length > 0)
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
