import { describe, expect, test } from 'vitest'
import { readable } from './api'
import { partOf } from './beginning'
import { add, asFile, blocksOf, emptyPart, lastScreen, outcomeOf, type Said, SEEN_MAX, unfinished } from './cast'
import { EventReader } from './events'
import { query, span, toCsv } from './finding'
import { clipped, pieces, visible } from './inert'
import { concerned } from './live'
import { matches } from './matching'
import { check, leafHash, rootFrom, same } from './proof'
import { countdown, length, parseLength } from './times'

describe('times', () => {
  test.each([
    [-1, '0:00'],
    [999, '0:00'],
    [61_000, '1:01'],
    [3_599_999, '59:59'],
    [3_660_000, '1 h 01 min'],
    [90_000_000, '1 d 1 h'],
  ])('%i ms is %s, and never more than there is', (ms, said) => expect(countdown(ms)).toBe(said))

  test.each([
    ['30m', 1_800_000],
    ['1h30m', 5_400_000],
    ['45', 2_700_000],
    ['2d', 172_800_000],
    ['', null],
    ['0m', null],
    ['half an hour', null],
    ['-5m', null],
  ])('%s is read as %s', (text, ms) => expect(parseLength(text)).toBe(ms))

  test('what is written is read back', () => {
    for (const ms of [60_000, 5_400_000, 86_400_000]) expect(parseLength(length(ms))).toBe(ms)
  })
})

describe('inert text', () => {
  test('signs that turn, hide or drive are named', () => {
    expect(visible('a\u202eb')).toBe('a⟦U+202E⟧b')
    expect(visible('\u001b[31mred')).toBe('⟦ESC⟧[31mred')
    expect(visible('zero\u200bwidth\u{e0041}')).toBe('zero⟦U+200B⟧width⟦U+E0041⟧')
    expect(visible('two\r\nlines\tand a tab')).toBe('two\nlines\tand a tab')
  })
  test('what is seen stays as it is', () => {
    expect(pieces('<script>alert(1)</script> é 漢 😀')).toEqual([
      { text: '<script>alert(1)</script> é 漢 😀', hidden: false },
    ])
  })
  test('a cut halves no sign', () => expect(clipped('ab😀', 3)).toBe('ab'))
})

describe('server-sent events', () => {
  const stream = ': hi\n\nid: 7\nevent: lines\ndata: "a"\n\ndata: 1\ndata: 2\r\n\r\nrest'
  test.each([1, 2, 3, 7, 100])('in pieces of %i', (size) => {
    const reader = new EventReader()
    const found = []
    for (let at = 0; at < stream.length; at += size) found.push(...reader.feed(stream.slice(at, at + size)))
    expect(found).toEqual([
      { id: '7', event: 'lines', data: '"a"' },
      { id: '', event: 'message', data: '1\n2' },
    ])
  })
})

test('a change concerns what shows it, and nothing else', () => {
  const changed = { now: 0, types: ['request.voted'], requests: ['r1'], sessions: [], everything: false }
  expect(concerned(changed, ['request', 'r1'])).toBe(true)
  expect(concerned(changed, ['request', 'r2'])).toBe(false)
  expect(concerned(changed, ['requests', 'mine'])).toBe(true)
  expect(concerned(changed, ['sessions', true])).toBe(false)
  expect(concerned({ ...changed, types: ['statement.submitted'] }, ['current'])).toBe(true)
  expect(concerned({ ...changed, everything: true }, ['sessions', true])).toBe(true)
  expect(concerned({ ...changed, everything: true }, ['parts', 's1', '0'])).toBe(false)
})

test('a recording keeps its times when what players do not know is left out', () => {
  const part = emptyPart()
  add(
    part,
    [
      '{"version":3,"term":{"cols":80,"rows":24}}',
      '[1.5,"sql.q","{\\"n\\":1,\\"t\\":1,\\"text\\":\\"select 1\\"}"]',
      '[0.0,"o","select 1"]',
      'not json',
      '[60.0,"sql.r","{\\"n\\":1,\\"rows\\":3,\\"tags\\":[\\"SELECT 3\\"],\\"duration_us\\":5,\\"error\\":\\"\\"}"]',
      '[0.0,"m","gap"]',
      '[0.0,"x","0"]',
    ].join('\n'),
  )
  expect(part.statements.get(1)).toMatchObject({ text: 'select 1', at: 1.5, rows: 3, tags: ['SELECT 3'] })
  expect(part.over && part.gap).toBe(true)
  expect(asFile(part, '{}').split('\n').slice(1, 3)).toEqual(['[1.5,"o","select 1"]', '[2,"m","gap"]'])
})

test('a refused statement is no running one, and one without an outcome runs only while its session does', () => {
  const part = emptyPart()
  add(part, '[0,"sql.q","{\\"n\\":1,\\"t\\":1,\\"text\\":\\"select 1\\",\\"reason\\":\\"limited to a\\"}"]')
  add(part, '[0,"sql.q","{\\"n\\":2,\\"t\\":1,\\"text\\":\\"select 2\\"}"]')
  const [refused, other] = [...part.statements.values()] as [Said, Said]
  expect(outcomeOf(refused, 'running …')).toBe('refused: limited to a')
  expect(outcomeOf(other, unfinished(true, null))).toBe('running …')
  expect(outcomeOf(other, unfinished(false, '7'))).toBe('its outcome is in a later part')
  expect(outcomeOf(other, unfinished(false, null))).toBe('no outcome recorded')
})

test('statements are asked about in blocks, and each in one', () => {
  expect(blocksOf(1, 200)).toEqual([0])
  expect(blocksOf(200, 201)).toEqual([0, 1])
  expect(blocksOf(1_000_000, 1_000_000)).toEqual([4999])
})

test('a target is found by name, label and role', () => {
  const target = { name: 'orders', protocol: 'postgres', labels: { env: 'prod' }, roles: [{ name: 'read' }] }
  for (const text of ['', 'ord', 'env=prod', 'env:prod read', 'POSTGRES']) expect(matches(target, text)).toBe(true)
  expect(matches(target, 'orders staging')).toBe(false)
})

test('no cell of a file is a formula', () => {
  const hit = { index: 1, t: 0, type: 'x', person: null, target: null, kind: '=1+1', effect: '', tables: [] }
  const rest = { session: null, request: null, said: { text: 'a "b",\nc' }, state: 'SEALED', leaf: '' }
  const csv = toCsv([{ ...hit, ...rest } as never])
  expect(csv).toContain(",'=1+1,")
  expect(csv).toContain('"a ""b"",\nc"')
})

describe('proofs', () => {
  test('a tree of every size leads to its root, and nothing else does', async () => {
    const node = async (a: Uint8Array, b: Uint8Array) =>
      new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array([1, ...a, ...b])))
    const root = async (leaves: Uint8Array[]): Promise<Uint8Array> => {
      if (leaves.length === 1) return leaves[0] as Uint8Array
      let k = 1
      while (k * 2 < leaves.length) k *= 2
      return node(await root(leaves.slice(0, k)), await root(leaves.slice(k)))
    }
    const path = async (at: number, leaves: Uint8Array[]): Promise<Uint8Array[]> => {
      if (leaves.length === 1) return []
      let k = 1
      while (k * 2 < leaves.length) k *= 2
      return at < k
        ? [...(await path(at, leaves.slice(0, k))), await root(leaves.slice(k))]
        : [...(await path(at - k, leaves.slice(k))), await root(leaves.slice(0, k))]
    }
    for (let size = 1; size <= 17; size++) {
      const leaves = await Promise.all(Array.from({ length: size }, (_, n) => leafHash(`entry ${n}`)))
      const whole = await root(leaves)
      for (let at = 0; at < size; at++) {
        const hashes = await path(at, leaves)
        expect(same(await rootFrom(leaves[at] as Uint8Array, at, size, hashes), whole)).toBe(true)
        expect(same(await rootFrom(await leafHash('another'), at, size, hashes), whole)).toBe(false)
        await expect(rootFrom(leaves[at] as Uint8Array, at, size, [...hashes, whole])).rejects.toThrow()
      }
    }
  })
  test('what is no receipt does not hold', async () => {
    const steps = await check('{}', 0, 'nonsense', 'nonsense')
    expect(steps.at(-1)?.holds).toBe(false)
  })
})

test('texts are made readable wherever they stand, and what is checked or sent back stays as it is', () => {
  const answer = {
    items: [{ person: { name: 'a\u202eb' }, entry: 'a\u202eb', said: { text: '\u202e' }, groups: ['x\u200b'] }],
    rule: '\u001b[31m',
    next: null,
    count: 3,
  }
  expect(readable(answer)).toEqual({
    items: [{ person: { name: 'a⟦U+202E⟧b' }, entry: 'a\u202eb', said: { text: '\u202e' }, groups: ['x⟦U+200B⟧'] }],
    rule: '⟦ESC⟧[31m',
    next: null,
    count: 3,
  })
})

describe('the question of a search', () => {
  test('is asked as the address has it', () => {
    expect(query({ q: 'a', person: 'x', outcome: 'failed', since: '1d' }, 90_000_000)).toEqual({
      q: 'a',
      person: 'x',
      outcome: 'failed',
      since: 3_600_000,
      until: undefined,
    })
    expect(query({ since: '1700000000000', until: '1700000000001' }, 0)).toMatchObject({
      since: 1_700_000_000_000,
      until: 1_700_000_000_001,
    })
  })
  test.each([
    ['2026-11-25', '2026-11-25', '2026-11-26'],
    ['2026-12', '2026-12-01', '2027-01-01'],
    ['2026-02', '2026-02-01', '2026-03-01'],
  ])('%s is from %s to before %s', (value, since, until) =>
    expect(span(value)).toEqual({ since: String(Date.parse(since)), until: String(Date.parse(until)) }),
  )
})

describe('parts of a recording', () => {
  const rows = (n: number, count: number) =>
    `[0,"sql.d",${JSON.stringify(JSON.stringify({ n, cut: 0, rows: Array(count).fill(['x', null]) }))}]\n`
  test('rows stand with their statement, up to a number', () => {
    const part = emptyPart()
    add(part, `[0,"sql.q",${JSON.stringify(JSON.stringify({ n: 1, t: 5, text: 'select' }))}]\n${rows(1, 2)}`)
    expect(part.statements.get(1)).toMatchObject({
      text: 'select',
      seen: [
        ['x', null],
        ['x', null],
      ],
      earlier: false,
    })
    add(part, rows(1, 2 * SEEN_MAX))
    expect(part.statements.get(1)?.seen).toHaveLength(SEEN_MAX)
  })
  test('rows of a statement in an earlier part are told as such', () => {
    const part = emptyPart()
    add(part, rows(7, 1))
    expect(part.statements.get(7)).toMatchObject({ earlier: true, seen: [['x', null]] })
  })
  test('nothing that a terminal shows turns its line around', () => {
    const part = emptyPart()
    add(part, '[0,"o","a\u202eb"]\n')
    expect(part.lines[0]).not.toContain('\u202e')
  })
  test('a statement is in the last part that begins before it', () => {
    const parts = [1, null, 40, 90].map((statement, n) => ({
      id: String(n),
      state: 'KEPT' as const,
      statement,
      t: null,
    }))
    expect([0, 1, 39, 40, 89, 90, 1000].map((n) => partOf(parts, n))).toEqual([0, 0, 0, 2, 2, 3, 3])
  })
})

describe('the picture at the end of a part', () => {
  const said = (...texts: string[]) => {
    const part = emptyPart()
    add(part, texts.map((text) => JSON.stringify([0.1, 'o', text])).join('\n'))
    return part
  }
  test('is made of as many last lines as fill it', () => {
    const part = said(...Array.from({ length: 100 }, (_, n) => `line ${n}\r\n`))
    add(part, '[0.0,"m","a mark"]')
    expect(lastScreen(part, 3)).toBe('line 96\r\nline 97\r\nline 98\r\nline 99\r\n')
    expect(lastScreen(said('one\r\n', 'two\r\n'), 3)).toBe('one\r\ntwo\r\n')
    expect(lastScreen(said(), 3)).toBe('')
  })
  test('keeps a text whole that has many lines', () => {
    expect(lastScreen(said('before\r\n', 'a\r\nb\r\nc\r\nd\r\n', 'last\r\n'), 3)).toBe('a\r\nb\r\nc\r\nd\r\nlast\r\n')
  })
  test('is not told where something drives the terminal, however early', () => {
    expect(lastScreen(said('\u001b[31mred\r\n', ...Array.from({ length: 100 }, () => 'x\r\n')), 3)).toBe(null)
  })
})
