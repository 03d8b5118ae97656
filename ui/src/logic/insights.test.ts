import { describe, expect, it } from 'vitest'
import page from '../../../docs/insights.md?raw'
import { csv } from './csv'
import { change, figure, heading, narrowest, period } from './insights'
import { points } from './notes'

const NOW = Date.parse('2026-11-26T12:00:00Z')
const DAY = 86_400_000

describe('the period of an address', () => {
  it.each([
    [{}, {}],
    [{ last: 'soon' }, {}],
    [{ last: '0d' }, {}],
    [{ last: '7d' }, { since: NOW - 7 * DAY, until: NOW }],
    [
      { from: '2026-11-01', to: '2026-11-03' },
      { since: Date.parse('2026-11-01'), until: Date.parse('2026-11-04') },
    ],
    [{ from: '2026-11-20' }, { since: Date.parse('2026-11-20'), until: NOW }],
    [
      { from: '2026-11-20', to: '2026-11-26' },
      { since: Date.parse('2026-11-20'), until: NOW },
    ],
    [{ to: '2026-10-31' }, { since: Date.parse('2026-11-01') - 30 * DAY, until: Date.parse('2026-11-01') }],
    [
      { from: 'x', last: '30d' },
      { since: NOW - 30 * DAY, until: NOW },
    ],
  ])('%j', (asked, expected) => {
    expect(period(asked, NOW)).toEqual(expected)
  })
})

it('says numbers in their unit, and what there is not', () => {
  expect(figure('share', null)).toBe('–')
  expect([figure('share', 0), figure('share', 0.031), figure('share', 0.25), figure('share', 1)]).toEqual([
    '0 %',
    '3.1 %',
    '25 %',
    '100 %',
  ])
  expect([figure('ms', 400_000), figure('ms', 0), figure('count', 1234)]).toEqual(['6m40s', '0ms', '1,234'])
})

it('says how a number differs', () => {
  expect(change('count', 7, 4)).toBe('3 more')
  expect(change('share', 0.25, 0.26)).toBe('1 point less')
  expect(change('ms', 60_000, 180_000)).toBe('2m shorter')
  expect(change('count', 4, 4)).toBe('as before')
  expect(change('ms', null, 4)).toBe('')
})

it('names and measures columns', () => {
  expect([heading('took_ms'), heading('decided_by')]).toEqual(['took', 'decided by'])
  expect(narrowest(['at', 'target'])).toBe(32 + 162 + 152)
})

it('writes CSV that no spreadsheet runs', () => {
  const rows = [
    { at: 5, who: '=cmd()', why: 'a "b", c\n' },
    { at: -1, who: null, why: '' },
  ]
  expect(csv(['at', 'who', 'why'], rows)).toBe('at,who,why\r\n5,\'=cmd(),"a ""b"", c\n"\r\n-1,,\r\n')
})

describe('the points of a page', () => {
  it('are joined over lines and told apart in words', () => {
    expect(points('# x\n- **One**: `a`\n  and [b](c.md).\nrest\n- two')).toEqual([
      [
        { text: 'One', as: 'strong' },
        { text: ': ', as: 'plain' },
        { text: 'a', as: 'code' },
        { text: ' and b.', as: 'plain' },
      ],
      [{ text: 'two', as: 'plain' }],
    ])
  })
  it('are found in the docs of the insights', () => {
    expect(points(page).map((words) => words[1]?.text ?? words[0]?.text)).toContain('period')
  })
})
