// YAML as a tree of values that know where they stand, made of the editor's own syntax tree: for checking while one types.

import { yamlLanguage } from '@codemirror/lang-yaml'

type Syntax = ReturnType<typeof yamlLanguage.parser.parse>['topNode']
type Place = { from: number; to: number }
export type Pair = { key: string; at: Place; value: Value | null }
export type Value = Place &
  ({ kind: 'map'; pairs: Pair[] } | { kind: 'list'; items: Value[] } | { kind: 'scalar'; text: string; plain: boolean })

const QUOTES: Record<string, string> = { '"': '"', "'": "'" }

/** The first document's value; null for an empty one, or one that is no YAML at all. */
export function parse(text: string): Value | null {
  const document = yamlLanguage.parser.parse(text).topNode.getChild('Document')
  return document ? firstValue(document, text) : null
}

function firstValue(node: Syntax, text: string): Value | null {
  for (let child = node.firstChild; child; child = child.nextSibling) {
    const found = value(child, text)
    if (found) return found
  }
  return null
}

function value(node: Syntax, text: string): Value | null {
  const place = { from: node.from, to: node.to }
  switch (node.name) {
    case 'BlockMapping':
    case 'FlowMapping':
      return { ...place, kind: 'map', pairs: node.getChildren('Pair').map((pair) => pairOf(pair, text)) }
    case 'BlockSequence':
    case 'FlowSequence':
      return {
        ...place,
        kind: 'list',
        items: node.getChildren('Item').flatMap((item) => firstValue(item, text) ?? []),
      }
    case 'Literal':
    case 'BlockLiteral':
      return { ...place, kind: 'scalar', text: text.slice(node.from, node.to).trim(), plain: node.name === 'Literal' }
    case 'QuotedLiteral':
      return { ...place, kind: 'scalar', text: unquoted(text.slice(node.from, node.to)), plain: false }
    case 'Anchored':
    case 'Tagged':
      return firstValue(node, text)
  }
  return null
}

function pairOf(pair: Syntax, text: string): Pair {
  const key = pair.getChild('Key')
  const at = { from: key?.from ?? pair.from, to: key?.to ?? pair.to }
  const colon = pair.getChild(':')
  let found: Value | null = null
  for (let child = colon?.nextSibling ?? null; child && !found; child = child.nextSibling) found = value(child, text)
  return { key: unquoted(text.slice(at.from, at.to).trim()), at, value: found }
}

function unquoted(text: string): string {
  const quote = QUOTES[text[0] ?? '']
  return quote && text.endsWith(quote) && text.length > 1 ? text.slice(1, -1) : text
}

/** One step of the way to a place: a key, or `-` for an item of a list. */
export type Step = string
/** Where one is typing: the way to it, and whether a key or a value is wanted there. `typed`: where the word begins. */
export type Spot = { way: Step[]; wants: 'key' | 'value'; typed: number }

type Level = { indent: number; step: Step }
type Flow = { open: '{' | '['; key: Step | null }

/** Where this position is, as far as the text before it tells; unfinished text is what completion is asked in. */
export function spot(text: string, position: number): Spot {
  const start = text.lastIndexOf('\n', position - 1) + 1
  const levels: Level[] = []
  const flows: Flow[] = []
  for (const line of text.slice(0, start).split('\n').slice(0, -1)) take(line, levels, flows)
  const before = text.slice(start, position)
  const typed = position - (/[^\s,[\]{}"']*$/.exec(before)?.[0].length ?? 0)
  const rest = take(before, levels, flows)
  const way = [
    ...levels.map((one) => one.step),
    ...flows.flatMap((one) => (one.open === '[' ? ['-'] : (one.key ?? []))),
  ]
  const inside = flows.at(-1)
  if (inside) return { way, wants: inside.open === '{' && inside.key === null ? 'key' : 'value', typed }
  return { way, wants: rest ? 'value' : 'key', typed }
}

/** Follow one line: its indentation, its dashes, its key, and what it opens. Returns whether it is behind a key. */
function take(line: string, levels: Level[], flows: Flow[]): boolean {
  if (flows.length > 0) {
    follow(line, flows)
    return false
  }
  if (!line.trim() || line.trim().startsWith('#')) {
    // An empty line belongs to where its spaces put it, if it is the one that is typed in.
    drop(levels, line.length)
    return false
  }
  let at = line.length - line.trimStart().length
  drop(levels, at, line.startsWith('-', at))
  for (let dash = /^- +|^-$/.exec(line.slice(at)); dash; dash = /^- +|^-$/.exec(line.slice(at))) {
    levels.push({ indent: at, step: '-' })
    at += dash[0].length
  }
  const key = /^("[^"]*"|'[^']*'|[^\s#,[\]{}"'][^:#]*?)\s*:(\s|$)/.exec(line.slice(at))
  if (!key?.[1]) {
    follow(line.slice(at), flows)
    return false
  }
  levels.push({ indent: at, step: unquoted(key[1]) })
  follow(line.slice(at + key[0].length), flows)
  return true
}

/** Leave what is not around this indentation. A list may stand right under its key, no further in. */
function drop(levels: Level[], indent: number, dash = false): void {
  const around = (one: Level) => one.indent < indent || (dash && one.indent === indent && one.step !== '-')
  while (levels.length > 0 && !around(levels.at(-1) as Level)) levels.pop()
}

function follow(text: string, flows: Flow[]): void {
  let word = ''
  let quote = ''
  for (const sign of text) {
    if (quote) {
      if (sign === quote) quote = ''
      else word += sign
      continue
    }
    const inside = flows.at(-1)
    if (sign === '"' || sign === "'") quote = sign
    else if (sign === '#' && word.trim() === '') return
    else if ((sign === '{' || sign === '[') && word.trim() === '') {
      flows.push({ open: sign, key: null })
      word = ''
    } else if (inside && (sign === '}' || sign === ']')) {
      flows.pop()
      word = ''
    } else if (inside && sign === ',') {
      if (inside.open === '{') inside.key = null
      word = ''
    } else if (inside?.open === '{' && inside.key === null && sign === ':') {
      inside.key = word.trim()
      word = ''
    } else word += sign
  }
}
