// Where statements begin and end in a text: to run the one at the cursor, and never half of one. As psql tells them
// apart: by semicolons outside of quotes, comments, parentheses and the bodies of functions written in SQL.

export type Piece = { from: number; to: number }

const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy
const DOLLAR = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy
const SPACE = /\s+/uy

/** The statements of a text, each without the space around it and without its semicolon. */
export function statements(text: string): Piece[] {
  const found: Piece[] = []
  let from = -1
  let last = 0
  let deep = 0
  let words: string[] = []
  let body = 0
  let at = 0
  while (at < text.length) {
    const next = past(text, at)
    const kind = next.kind
    if (kind === 'word') {
      const word = text.slice(at, next.to).toLowerCase()
      if (words.length < 6) words.push(word)
      body = depthAfter(word, words, body)
    } else if (kind === 'sign') {
      const sign = text[at]
      if (sign === '(' || sign === '[') deep += 1
      if ((sign === ')' || sign === ']') && deep > 0) deep -= 1
      if (sign === ';' && deep === 0 && body === 0) {
        if (from >= 0) found.push({ from, to: last })
        from = -1
        words = []
        at = next.to
        continue
      }
    }
    if (kind !== 'nothing') {
      if (from < 0) from = at
      last = next.to
    }
    at = next.to
  }
  if (from >= 0) found.push({ from, to: last })
  return found
}

/** BEGIN ATOMIC … END of a function's body; CASE … END stands inside. */
function depthAfter(word: string, words: string[], body: number): number {
  const makes = words[0] === 'create' && words.some((one) => one === 'function' || one === 'procedure')
  if (!makes) return 0
  if (word === 'begin') return body + 1
  if (word === 'case' && body > 0) return body + 1
  if (word === 'end' && body > 0) return body - 1
  return body
}

type Token = { kind: 'nothing' | 'word' | 'quote' | 'sign'; to: number }

function past(text: string, at: number): Token {
  const two = text.slice(at, at + 2)
  const one = text[at] ?? ''
  if (two === '--') return { kind: 'nothing', to: orEnd(text, text.indexOf('\n', at)) }
  if (two === '/*') return { kind: 'nothing', to: pastComment(text, at) }
  if (/\s/u.test(one)) return { kind: 'nothing', to: matched(SPACE, text, at) }
  if (/[eE]/.test(one) && text[at + 1] === "'") return { kind: 'quote', to: pastQuote(text, at + 1, true) }
  if (one === "'" || one === '"') return { kind: 'quote', to: pastQuote(text, at, false) }
  if (one === '$') {
    const opened = matched(DOLLAR, text, at)
    if (opened > at) {
      const tag = text.slice(at, opened)
      const close = text.indexOf(tag, opened)
      return { kind: 'quote', to: close < 0 ? text.length : close + tag.length }
    }
  }
  const word = matched(WORD, text, at)
  if (word > at) return { kind: 'word', to: word }
  return { kind: 'sign', to: at + 1 }
}

const orEnd = (text: string, at: number): number => (at < 0 ? text.length : at)

function matched(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

function pastQuote(text: string, at: number, escapes: boolean): number {
  const quote = text[at]
  let to = at + 1
  while (to < text.length) {
    if (escapes && text[to] === '\\') to += 2
    else if (text[to] !== quote) to += 1
    else if (text[to + 1] === quote) to += 2
    else return to + 1
  }
  return text.length
}

function pastComment(text: string, at: number): number {
  let deep = 0
  let to = at
  while (to < text.length) {
    const two = text.slice(to, to + 2)
    if (two === '/*') deep += 1
    else if (two === '*/') deep -= 1
    else {
      to += 1
      continue
    }
    to += 2
    if (deep === 0) return to
  }
  return text.length
}

/** The statement that the cursor is in or right behind; the next one where it is before the first. */
export function statementAt(text: string, at: number): Piece | null {
  const all = statements(text)
  const before = all.filter((one) => one.from <= at)
  const last = before.at(-1)
  if (!last) return all[0] ?? null
  const line = text.slice(last.to, at)
  const next = all[before.length]
  // On an empty line behind a statement, what comes next is meant only if there is nothing else.
  if (
    at > last.to &&
    line.includes('\n') &&
    next &&
    text.slice(at, next.from).trim() === '' &&
    !text.slice(at, next.from).includes('\n')
  ) {
    return next
  }
  return last
}

/** A place counted in characters, as servers count them, in the units that the text has here. */
export function placeOf(text: string, characters: number): number {
  let at = 0
  for (let n = 0; n < characters && at < text.length; n += 1) {
    const code = text.charCodeAt(at)
    at += code >= 0xd800 && code <= 0xdbff ? 2 : 1
  }
  return at
}
