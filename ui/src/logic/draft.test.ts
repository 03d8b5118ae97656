import { expect, it } from 'vitest'
import { begun, keep, overtaken, rebased, throwAway } from './draft'

function memory() {
  const held = new Map<string, string>()
  return {
    held,
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
    removeItem: (key: string) => void held.delete(key),
  }
}

const FILE = { text: 'policy: p', text_digest: 'd1' }
const LATER = { text: 'policy: p # x', text_digest: 'd2' }

it('begins with what the file says, and keeps only what is changed', () => {
  const store = memory()
  const draft = begun(store, 'p', FILE)
  keep(store, 'p', draft)
  expect(store.held.size).toBe(0)
  keep(store, 'p', { ...draft, text: 'policy: p\nmine' })
  expect(begun(store, 'p', LATER)).toEqual({ text: 'policy: p\nmine', base: 'policy: p', was: 'd1' })
  throwAway(store, 'p')
  expect(begun(store, 'p', LATER).text).toBe(LATER.text)
})

it('notices that somebody else changed the file, and goes on from there', () => {
  const draft = { ...begun(memory(), 'p', FILE), text: 'mine' }
  expect([overtaken(draft, FILE), overtaken(draft, LATER)]).toEqual([false, true])
  expect(rebased(draft, LATER)).toEqual({ text: 'mine', base: LATER.text, was: 'd2' })
})

it('takes nothing for a draft that is none', () => {
  const store = memory()
  for (const kept of ['{', '{"text": 1}', 'null', '[]']) {
    store.setItem('daypass.draft.p', kept)
    expect(begun(store, 'p', FILE).text).toBe(FILE.text)
  }
})
