import { afterEach, expect, test, vi } from 'vitest'
import * as api from '../client'
import { client } from '../client/client.gen'
import './api'
import { know, signedIn } from './visit'

const REFUSED = () => new Response('{}', { status: 401, headers: { 'Content-Type': 'application/json' } })

afterEach(() => {
  vi.unstubAllGlobals()
  know(false)
})

/** The server: answers come when the test says so. */
function server() {
  const waiting: ((response: Response) => void)[] = []
  vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => waiting.push(resolve)))
  client.setConfig({ baseUrl: 'http://localhost' })
  return {
    asked: () => vi.waitFor(() => expect(waiting).toHaveLength(1)),
    answer: (response: Response) => waiting[0]?.(response),
  }
}

test('what was asked before the sign-in and refused after it does not sign out again', async () => {
  const { asked, answer } = server()
  const early = api.whoAmI()
  await asked()
  know(true)
  answer(REFUSED())
  await early
  expect(signedIn()).toBe(true)
})

test('who is refused later is signed out', async () => {
  const { asked, answer } = server()
  know(true)
  const later = api.whoAmI()
  await asked()
  answer(REFUSED())
  await later
  expect(signedIn()).toBe(false)
})
