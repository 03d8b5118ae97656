import { describe, expect, test } from 'vitest'
import { quoted, tablesOf, toCsv, toJson, toTsv, widths } from './results'

const columns = [
  { name: 'id', type: 'int4' },
  { name: 'a "b"', type: 'text' },
]

describe('results', () => {
  test('NULL, the empty text, numbers and formulas stay apart in CSV', () => {
    const rows = [
      ['-1', null],
      ['2', ''],
      ['3', '=1+1'],
      ['4', 'x,"y"\n'],
    ]
    expect(toCsv(columns, rows)).toBe('id,"a ""b"""\r\n-1,\r\n2,""\r\n3,\'=1+1\r\n4,"x,""y""\n"\r\n')
    expect(JSON.parse(toJson(columns, rows))).toEqual({ columns, rows })
    expect(toTsv(columns, [['1', 'a\tb\n']])).toBe('id\ta "b"\n1\ta b ')
  })

  test('columns are neither too narrow nor too wide', () => {
    const [narrow = 0, wide = 0] = widths(columns, [['1', 'x'.repeat(5000)]])
    expect(narrow).toBeGreaterThanOrEqual(64)
    expect(wide).toBe(340)
  })

  test('tables and the names of them', () => {
    const rows = [
      ['public', 'orders', 'id', 'bigint'],
      ['public', 'orders', 'note', 'text'],
      ['Odd', 'T', 'x', null],
    ]
    expect(tablesOf(rows).map((one) => [one.schema, one.name, one.columns.length])).toEqual([
      ['public', 'orders', 2],
      ['Odd', 'T', 1],
    ])
    expect([quoted('orders'), quoted('Odd'), quoted('a"b')]).toEqual(['orders', '"Odd"', '"a""b"'])
  })
})
