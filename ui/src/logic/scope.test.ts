import { expect, test } from 'vitest'
import { namesIn } from './scope'

test.each([
  ['', []],
  [' , ', []],
  ['public.orders', ['public.orders']],
  ['public.orders, billing.*\nshop.carts', ['public.orders', 'billing.*', 'shop.carts']],
  ['"Odd, Name".*,"say ""hi"""."two words"', ['"Odd, Name".*', '"say ""hi"""."two words"']],
  ['"left open, and on', ['"left open, and on']],
])('the names in %j', (text, names) => {
  expect(namesIn(text)).toEqual(names)
})
