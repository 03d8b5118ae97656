// What is made of a result: how wide its columns are shown, and files to take along. NULL is not the empty text.

import type { Column, Row } from './console'

const NUMBERS = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'money', 'oid'])
export const isNumber = (type: string): boolean => NUMBERS.has(type)

const SIGN_PX = 7.9
const ROOM_PX = 26
const NARROWEST_PX = 64
const WIDEST_PX = 340
const LOOKED_AT = 60

/** How wide each column is shown (px), from its name and its first rows. */
export function widths(columns: Column[], rows: Row[]): number[] {
  return columns.map((column, n) => {
    let most = column.name.length + column.type.length * 0.8 + 2
    for (const row of rows.slice(0, LOOKED_AT)) most = Math.max(most, Math.min(row[n]?.length ?? 4, 60))
    return Math.round(Math.min(WIDEST_PX, Math.max(NARROWEST_PX, most * SIGN_PX + ROOM_PX)))
  })
}

/** CSV by RFC 4180: NULL is nothing, the empty text is `""`. What a spreadsheet would run as a formula is kept from it. */
export const toCsv = (columns: Column[], rows: Row[]): string =>
  [columns.map((column) => column.name), ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')

function csvCell(text: string | null): string {
  if (text === null) return ''
  const plain = /^[+-]?(\d|\.\d)[\d.eE+-]*$/.test(text)
  const safe = !plain && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return safe === '' || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const toJson = (columns: Column[], rows: Row[]): string => `${JSON.stringify({ columns, rows })}\n`

/** For pasting into a table: cells by tabs, lines within a cell as blanks, NULL as nothing. */
export const toTsv = (columns: Column[], rows: Row[]): string =>
  [columns.map((column) => column.name), ...rows]
    .map((row) => row.map((cell) => (cell ?? '').replaceAll(/[\t\r\n]+/g, ' ')).join('\t'))
    .join('\n')

export type Table = { schema: string; name: string; columns: { name: string; type: string }[] }

/** Tables, from rows of schema, table, column and type. */
export function tablesOf(rows: Row[]): Table[] {
  const found = new Map<string, Table>()
  for (const [schema, name, column, type] of rows) {
    if (!schema || !name || !column) continue
    const key = JSON.stringify([schema, name])
    const table = found.get(key) ?? { schema, name, columns: [] }
    table.columns.push({ name: column, type: type ?? '' })
    found.set(key, table)
  }
  return [...found.values()]
}

/** A name as it has to be written in SQL. */
export const quoted = (name: string): string =>
  /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
