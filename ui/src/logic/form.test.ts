import { describe, expect, it } from 'vitest'
import page from '../../../docs/policy.md?raw'
import schema from '../../../docs/policy.schema.json'
import { choices, flaws, type Schema } from './form'
import { parse, spot } from './yaml'

const FORM = schema as Schema
const NAMES = { people: ['group:leads', 'ana@acme.test'], targets: ['orders'], roles: ['read'] }
const GOOD = /```yaml\n(policy: payments[\s\S]*?)```/.exec(page)?.[1] ?? ''

const told = (text: string): string[] => {
  const value = parse(text)
  return value ? flaws(value, FORM).map((one) => one.says) : ['nothing']
}

describe('what is wrong in a policy', () => {
  it('is nothing in the example of the docs', () => {
    expect(GOOD).toContain('break_glass')
    expect(told(GOOD)).toEqual([])
  })
  it.each([
    ['deside: automatic', 'decide: automatic', /there is no key deside here: name, who/],
    ['need: 1, of: [group:payments-leads]', 'need: 1', /of is missing here/],
    ['longest: 4h,', 'longest: soon,', /a length of time like 30m/],
    ['decide: automatic', 'decide: perhaps', /this must be automatic or a mapping|this must be automatic/],
    ['roles: [read]', 'roles: []', /must not be empty/],
    ['roles: [read]', 'roles: read', /this must be a list/],
    ['who: [group:payments-oncall]', 'who: [payments oncall]', /group:NAME or an e-mail address/],
    ['times: 2', 'times: two', /a whole number/],
    ['    decide: automatic\n', '', /exactly one of decide and break_glass/],
    ['then: automatic }', 'then: sometimes }', /automatic, refused or break_glass/],
  ])('%s', (was, now, says) => {
    const changed = was.startsWith('deside') ? GOOD.replace(now, was) : GOOD.replace(was, now)
    expect(changed).not.toBe(GOOD)
    expect(told(changed).join('\n')).toMatch(says)
  })
  it('stands where it is', () => {
    const text = GOOD.replace('times: 2', 'times: two')
    const value = parse(text)
    const [flaw] = value ? flaws(value, FORM) : []
    expect(text.slice(flaw?.from, flaw?.to)).toBe('two')
  })
})

const at = (text: string) => {
  const position = text.indexOf('|')
  return spot(text.replace('|', ''), position)
}

describe('where one is typing', () => {
  it.each([
    ['|', [], 'key'],
    ['limits:\n  |', ['limits'], 'key'],
    ['rules:\n  - name: x\n    |', ['rules', '-'], 'key'],
    ['rules:\n  - |', ['rules', '-'], 'key'],
    ['rules:\n- name: x\n  decide: |', ['rules', '-', 'decide'], 'value'],
    ['rules:\n  - name: x\n    who: [a, gr|', ['rules', '-', 'who', '-'], 'value'],
    ['limits: { ext|', ['limits'], 'key'],
    ['limits: { extend: { times: 2, |', ['limits', 'extend'], 'key'],
    ['limits: { longest: 4h, extend: { decide: a|', ['limits', 'extend', 'decide'], 'value'],
    [
      'rules:\n  - name: x\n    decide:\n      stages:\n        - { need: 1, of: [|',
      ['rules', '-', 'decide', 'stages', '-', 'of', '-'],
      'value',
    ],
    ['rules:\n  - name: x\n    when: a # b\n    ow|', ['rules', '-'], 'key'],
    ['rules:\n  - name: x\n\n|', [], 'key'],
  ])('%j', (text, way, wants) => {
    expect(at(text)).toMatchObject({ way, wants })
  })
})

describe('what may stand there', () => {
  const labels = (text: string) => choices(at(text), FORM, NAMES).map((one) => one.label)
  it.each([
    ['|', 'covers'],
    ['rules:\n  - name: x\n    |', 'ends_with_ticket'],
    ['limits: { |', 'longest'],
    ['rules:\n  - decide: |', 'automatic'],
    ['rules:\n  - decide:\n      |', 'stages'],
    ['rules:\n  - who: [|', 'group:leads'],
    ['rules:\n  - roles: [|', 'read'],
    ['covers: { targets: [|', 'orders'],
    ['expect:\n  - { by: |', 'ana@acme.test'],
    ['expect:\n  - { then: |', 'refused'],
    ['rules:\n  - hours: { days: [|', 'fri'],
  ])('%j', (text, label) => {
    expect(labels(text)).toContain(label)
  })
  it('says what a key means', () => {
    expect(choices(at('rules:\n  - |'), FORM, NAMES).find((one) => one.label === 'who')?.detail).toBe('Who may ask.')
  })
})
