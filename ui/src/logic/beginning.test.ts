import { afterEach, describe, expect, test, vi } from 'vitest'
import { client } from '../client/client.gen'
import { beginHome, beginning, beginSession } from './beginning'
import { queries } from './queries'
import { know } from './visit'

const PARTS = [
  { id: '0', state: 'KEPT' as const, statement: 1, t: 1 },
  { id: '40', state: 'KEPT' as const, statement: 30, t: 2 },
]

describe('where a session begins', () => {
  test('what is over begins with its first part, before anybody knows where parts begin', () => {
    expect(beginning({}, undefined, false)).toBe('0')
  })
  test('what goes on begins with its newest part', () => {
    expect(beginning({}, undefined, true)).toBe(null)
    expect(beginning({}, PARTS, true)).toBe('40')
    expect(beginning({}, [], true)).toBe('0')
  })
  test('a place or a statement in the address goes before', () => {
    expect(beginning({ place: '7' }, undefined, true)).toBe('7')
    expect(beginning({ place: 'x' }, undefined, false)).toBe('0')
    expect(beginning({ n: '31' }, undefined, false)).toBe(null)
    expect(beginning({ n: '31' }, PARTS, false)).toBe('40')
  })
})

describe('what is asked before the page is drawn', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    queries.clear()
    know(false)
  })

  /** A server that gives these answers by the end of their path, and refuses everything else. Returns what it is asked. */
  function server(answers: Record<string, unknown>): string[] {
    const asked: string[] = []
    vi.stubGlobal('fetch', async ({ url }: Request) => {
      const { pathname } = new URL(url)
      asked.push(pathname)
      const answer = answers[pathname]
      const headers = { 'Content-Type': 'application/json' }
      return new Response(JSON.stringify(answer ?? {}), { status: answer ? 200 : 401, headers })
    })
    client.setConfig({ baseUrl: 'http://localhost' })
    return asked
  }
  const ME = { '/api/v1/whoami': { id: 'a', name: 'Ana' } }
  const ONE = '/api/v1/sessions/s'

  test('of nobody: who it is, and nothing else', async () => {
    const asked = server({})
    await beginHome()
    await beginSession('s', {})
    expect(new Set(asked)).toEqual(new Set(['/api/v1/whoami']))
  })
  test('of a session that is over: its first part', async () => {
    const part = { id: '0', state: 'KEPT', text: '', next: null }
    const asked = server({
      ...ME,
      [ONE]: { state: 'ENDED' },
      [`${ONE}/parts`]: { items: [] },
      [`${ONE}/parts/0`]: part,
    })
    await beginSession('s', {})
    expect(asked).toEqual(['/api/v1/whoami', ONE, `${ONE}/parts`, `${ONE}/parts/0`])
  })
  test('of one that goes on: no part, as it is followed', async () => {
    const asked = server({ ...ME, [ONE]: { state: 'OPEN' }, [`${ONE}/parts`]: { items: [] } })
    await beginSession('s', { place: '7' })
    await vi.waitFor(() => expect(asked).toEqual(['/api/v1/whoami', ONE, `${ONE}/parts`]))
  })
})
