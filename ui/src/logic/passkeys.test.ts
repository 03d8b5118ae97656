import { expect, test } from 'vitest'
import { statement } from './passkeys'

const REQUEST = { id: 'r', digest: 'd', decide_by: 7 }

test('what is signed is canonical, with the parts of the target only where there are any', () => {
  const whole = statement(REQUEST, 'approve', { ms: 5, role: 'read', scope: [] }, 'n', 'c')
  expect(whole).toBe(
    '{"checkpoint":"c","deadline":7,"decision":"approve","digest":"d","narrowed_ms":5,"narrowed_role":"read",' +
      '"nonce":"n","request":"r","v":1}\n',
  )
  const part = statement(REQUEST, 'approve', { scope: ['public.b', 'public.a', 'public.b'] }, 'n', 'c')
  expect(Object.keys(JSON.parse(part) as object)).toEqual(Object.keys(JSON.parse(part) as object).sort())
  expect(part).toContain('"narrowed_scope":["public.a","public.b"]')
})
