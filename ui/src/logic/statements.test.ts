import { describe, expect, test } from 'vitest'
import { placeOf, statementAt, statements } from './statements'

const cut = (text: string) => statements(text).map((one) => text.slice(one.from, one.to))

describe('statements', () => {
  test.each([
    ['select 1; select 2', ['select 1', 'select 2']],
    [' ;; -- nothing\n', []],
    ["select ';', E'it\\';s', \"a;b\"; select 2", ["select ';', E'it\\';s', \"a;b\"", 'select 2']],
    ["select 'a''; b'; x", ["select 'a''; b'", 'x']],
    ['select 1 -- a; b\n; select 2', ['select 1', 'select 2']],
    ['/* a; /* b; */ c; */ select 1', ['select 1']],
    ['do $$ begin; end $$; select 2', ['do $$ begin; end $$', 'select 2']],
    ['do $b$ $$; $$ $b$; select $1', ['do $b$ $$; $$ $b$', 'select $1']],
    ['create rule r as on insert to t do (a; b); c', ['create rule r as on insert to t do (a; b)', 'c']],
    [
      'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; c',
      ['create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end', 'c'],
    ],
    ['begin; end; c', ['begin', 'end', 'c']],
    ["select 'open; end", ["select 'open; end"]],
  ])('%s', (text, found) => expect(cut(text)).toEqual(found))

  const text = 'select 1;\nselect 2;\n\nselect 3'
  test.each([
    [0, 'select 1'],
    [9, 'select 1'],
    [10, 'select 2'],
    [19, 'select 2'],
    [20, 'select 2'],
    [21, 'select 3'],
    [text.length, 'select 3'],
  ])('at %i of three lines it is %s', (at, said) => {
    const found = statementAt(text, at)
    expect(found && text.slice(found.from, found.to)).toBe(said)
  })

  test('places are counted in characters', () => expect(placeOf("select '🐘', x", 12)).toBe(13))
})
