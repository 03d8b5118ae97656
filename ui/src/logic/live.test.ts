import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Changed, Renewing } from './live'

const ANYTHING: Changed = { now: 0, types: [], requests: [], sessions: [], everything: true }
const VOTED: Changed = { ...ANYTHING, types: ['request.voted'], everything: false }

let queries: QueryClient
let renewing: Renewing
let asked: number
let leave: () => void

beforeEach(async () => {
  vi.useFakeTimers()
  queries = new QueryClient()
  renewing = new Renewing(queries)
  asked = 0
  const ask = () => Promise.resolve(++asked)
  leave = new QueryObserver(queries, { queryKey: ['requests'], queryFn: ask }).subscribe(() => undefined)
  await vi.advanceTimersByTimeAsync(1)
  expect(asked).toBe(1)
})

afterEach(() => {
  leave()
  renewing.stop()
  queries.clear()
  vi.useRealTimers()
})

test('what has just been asked for is asked for again once the page is drawn, not before', async () => {
  renewing.renew(ANYTHING)
  await vi.advanceTimersByTimeAsync(900)
  expect(asked).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(asked).toBe(2)
})

test('what has changed is asked for at once, in the meantime too', async () => {
  renewing.renew(ANYTHING)
  renewing.renew(VOTED)
  await vi.advanceTimersByTimeAsync(1)
  expect(asked).toBe(2)
})

test('after the network was away everything is asked for at once', async () => {
  renewing.renew(ANYTHING)
  await vi.advanceTimersByTimeAsync(1100)
  renewing.renew(ANYTHING)
  await vi.advanceTimersByTimeAsync(1)
  expect(asked).toBe(3)
})

test('nothing is asked for any more once nobody listens', async () => {
  renewing.renew(ANYTHING)
  renewing.stop()
  await vi.advanceTimersByTimeAsync(2000)
  expect(asked).toBe(1)
})
