import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const BROWSER = Date.parse('2026-11-26T12:00:00Z')
const HOUR = 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ now: BROWSER })
  vi.resetModules()
})
afterEach(() => vi.useRealTimers())

const clock = () => import('./clock')

test('a browser whose clock is an hour off counts by the server', async () => {
  const { now, toldExactly } = await clock()
  expect(now()).toBe(BROWSER)
  toldExactly(BROWSER - HOUR)
  expect(now()).toBe(BROWSER - HOUR)
  vi.advanceTimersByTime(60_000)
  expect(now()).toBe(BROWSER - HOUR + 60_000)
})

test('what a header says to the second stands until something exact is told, and never after', async () => {
  const { now, toldByHeader, toldExactly } = await clock()
  toldByHeader('Thu, 26 Nov 2026 13:00:00 GMT')
  expect(now()).toBe(BROWSER + HOUR + 500)
  toldByHeader('Thu, 26 Nov 2026 13:00:01 GMT')
  expect(now(), 'a second is within what a header can say').toBe(BROWSER + HOUR + 500)
  toldExactly(BROWSER + 7)
  toldByHeader('Thu, 26 Nov 2026 18:00:00 GMT')
  expect(now()).toBe(BROWSER + 7)
})

test('a header that is none changes nothing', async () => {
  const { now, toldByHeader } = await clock()
  toldByHeader(null)
  toldByHeader('yesterday')
  expect(now()).toBe(BROWSER)
})
