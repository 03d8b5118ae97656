// The form of a policy file (a JSON Schema) held against one that is being written: what is wrong in it, and what may
// stand at a place. It knows the words of JSON Schema that our own schema uses. The server has the last word.

import type { Spot, Value } from './yaml'

export type Schema = {
  type?: string | string[]
  description?: string
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  required?: string[]
  items?: Schema
  minItems?: number
  maxItems?: number
  minProperties?: number
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  pattern?: string
  enum?: string[]
  const?: string
  oneOf?: Schema[]
}

export type Flaw = { from: number; to: number; says: string }

export function flaws(value: Value, schema: Schema): Flaw[] {
  return [...ofKind(value, schema), ...ofBranches(value, schema)]
}

function ofKind(value: Value, schema: Schema): Flaw[] {
  const here = (says: string): Flaw[] => [{ from: value.from, to: value.to, says }]
  const types = schema.type === undefined ? [] : [schema.type].flat()
  if (types.length > 0 && !types.some((type) => fits(value, type))) return here(`this must be ${spoken(types)}`)
  if (value.kind === 'map') return ofMap(value, schema)
  if (value.kind === 'list') {
    const found = schema.items ? value.items.flatMap((item) => flaws(item, schema.items as Schema)) : []
    if (value.items.length < (schema.minItems ?? 0)) found.push(...here('this list must not be empty'))
    return found
  }
  return ofScalar(value.text, schema).flatMap(here)
}

function ofScalar(text: string, schema: Schema): string[] {
  if (schema.enum && !schema.enum.includes(text)) return [`this must be ${either(schema.enum)}`]
  if (schema.const !== undefined && text !== schema.const) return [`this must be ${schema.const}`]
  if (text.length < (schema.minLength ?? 0)) return ['this must not be empty']
  if (schema.maxLength !== undefined && text.length > schema.maxLength) {
    return [`this must have at most ${schema.maxLength} characters`]
  }
  if (schema.pattern && !new RegExp(schema.pattern).test(text)) return [`this must be ${shape(schema.pattern)}`]
  const number = Number(text)
  if (schema.minimum !== undefined && number < schema.minimum) return [`this must be at least ${schema.minimum}`]
  if (schema.maximum !== undefined && number > schema.maximum) return [`this must be at most ${schema.maximum}`]
  return []
}

function ofMap(value: Value & { kind: 'map' }, schema: Schema): Flaw[] {
  const found: Flaw[] = []
  const known = schema.properties ?? {}
  for (const pair of value.pairs) {
    const inside = known[pair.key] ?? (typeof schema.additionalProperties === 'object' && schema.additionalProperties)
    if (inside) {
      if (pair.value) found.push(...flaws(pair.value, inside))
      else found.push({ ...pair.at, says: `${pair.key} is empty` })
    } else if (schema.additionalProperties === false) {
      found.push({ ...pair.at, says: `there is no key ${pair.key} here: ${either(Object.keys(known))}` })
    }
  }
  const there = new Set(value.pairs.map((pair) => pair.key))
  for (const key of schema.required ?? []) {
    if (!there.has(key)) found.push({ ...start(value), says: `${key} is missing here` })
  }
  if (value.pairs.length < (schema.minProperties ?? 0))
    found.push({ ...start(value), says: 'something must stand here' })
  return found
}

/** Of several forms the one is meant whose kind of value it is; where all are alike, exactly one set of keys. */
function ofBranches(value: Value, schema: Schema): Flaw[] {
  if (!schema.oneOf) return []
  if (schema.oneOf.every((one) => one.required && !one.type)) {
    const keys = schema.oneOf.flatMap((one) => one.required ?? [])
    const there = value.kind === 'map' ? keys.filter((key) => value.pairs.some((pair) => pair.key === key)) : []
    if (there.length === 1) return []
    return [{ ...start(value), says: `exactly one of ${keys.join(' and ')} must stand here` }]
  }
  const alike = schema.oneOf.filter((one) => one.type === undefined || [one.type].flat().some((t) => fits(value, t)))
  const scalar = value.kind === 'scalar'
  const meant = alike.find((one) => scalar === (one.enum !== undefined || one.const !== undefined))
  if (meant) return flaws(value, meant)
  const words = schema.oneOf.flatMap((one) => one.enum ?? one.const ?? (one.properties ? ['a mapping'] : []))
  return [{ from: value.from, to: value.to, says: `this must be ${either(words)}` }]
}

const start = (value: Value) => ({ from: value.from, to: Math.min(value.to, value.from + 1) })

function fits(value: Value, type: string): boolean {
  if (type === 'object') return value.kind === 'map'
  if (type === 'array') return value.kind === 'list'
  if (value.kind !== 'scalar') return false
  if (type === 'integer') return value.plain && /^-?\d+$/.test(value.text)
  if (type === 'number') return value.plain && value.text !== '' && !Number.isNaN(Number(value.text))
  if (type === 'boolean') return value.plain && (value.text === 'true' || value.text === 'false')
  return true
}

const NAMES: Record<string, string> = {
  object: 'a mapping',
  array: 'a list',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'text',
}
const spoken = (types: string[]): string => either(types.map((type) => NAMES[type] ?? type))

function shape(pattern: string): string {
  if (pattern.includes('group:')) return 'group:NAME or an e-mail address'
  if (pattern.includes('d+h')) return 'a length of time like 30m, 4h or 2d'
  if (pattern.includes(':[0-9]{2}')) return 'a time of day like 08:30'
  if (pattern.endsWith('%$')) return 'a share like 10%'
  return 'a name'
}

const either = (words: string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/** What there is to complete with: who may be named, and for what. */
export type Names = { people: string[]; targets: string[]; roles: string[] }
export type Choice = { label: string; detail?: string; kind: 'key' | 'value' }

/** What may stand at a spot. */
export function choices(at: Spot, schema: Schema, names: Names): Choice[] {
  const found = reached([schema], at.way)
  if (at.wants === 'value') return found.flatMap((one) => values(one, at.way, names))
  const keys = found.flatMap((one) => Object.entries(one.properties ?? {}))
  const listed = keys.length === 0 ? found.flatMap((one) => (one.items ? branches(one.items) : [])) : []
  return [...keys, ...listed.flatMap((one) => Object.entries(one.properties ?? {}))].map(([label, one]) => ({
    label,
    detail: one.description,
    kind: 'key',
  }))
}

function reached(from: Schema[], way: string[]): Schema[] {
  let found = from.flatMap(branches)
  for (const step of way) {
    found = found
      .flatMap((one) => (step === '-' ? (one.items ?? []) : (one.properties?.[step] ?? [])))
      .flatMap(branches)
  }
  return found
}

const branches = (schema: Schema): Schema[] => [schema, ...(schema.oneOf ?? [])]

function values(schema: Schema, way: string[], names: Names): Choice[] {
  const words = schema.enum ?? (schema.const === undefined ? [] : [schema.const])
  if (schema.type === 'boolean') words.push('true', 'false')
  if (schema.pattern?.includes('group:')) words.push(...names.people)
  const named = way.findLast((step) => step !== '-')
  if (named === 'targets' || named === 'target') words.push(...names.targets)
  if (named === 'roles' || named === 'role') words.push(...names.roles)
  if (named === 'by' && way[0] === 'expect') words.push(...names.people.filter((one) => !one.startsWith('group:')))
  return [...new Set(words)].map((label) => ({ label, kind: 'value' }))
}
