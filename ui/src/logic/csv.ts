// Tables as files to take along.

/** CSV by RFC 4180. A cell that a spreadsheet would take for a formula is kept from being one. */
export function csv(columns: readonly string[], rows: readonly Record<string, string | number | null>[]): string {
  const lines = rows.map((row) => columns.map((column) => row[column] ?? ''))
  return [columns, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('')
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
