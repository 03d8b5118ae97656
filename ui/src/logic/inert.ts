// Text that somebody else wrote, made harmless to read. React shows text as text; this is about what text can do by
// itself: turn the reading direction, hide, or pretend to be something else.

/** A piece of text: as it is, or the name of a sign that would not be seen. */
export type Piece = { text: string; hidden: boolean }

// Controls but tab and line feed; zero widths, joiners and marks; directional overrides, embeddings and isolates;
// line and paragraph separators; tags and other format signs that show nothing.
export const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

const NAMES: Record<string, string> = { '\u001b': 'ESC', '\u0007': 'BEL', '\u0000': 'NUL', '\r': 'CR' }

/** What a sign that would not be seen is called. */
export const named = (sign: string): string =>
  NAMES[sign] ?? `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** The text in pieces, with every sign that would not be seen given its name. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = []
  let from = 0
  const plain = text.replaceAll('\r\n', '\n')
  for (const match of plain.matchAll(HIDDEN)) {
    if (match.index > from) found.push({ text: plain.slice(from, match.index), hidden: false })
    found.push({ text: named(match[0]), hidden: true })
    from = match.index + match[0].length
  }
  if (from < plain.length || found.length === 0) found.push({ text: plain.slice(from), hidden: false })
  return found
}

/** The same as one string, for titles and names. */
export const visible = (text: string): string =>
  pieces(text)
    .map((piece) => (piece.hidden ? `⟦${piece.text}⟧` : piece.text))
    .join('')

/** No more than so many characters, and never half of one. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text
  const last = text.charCodeAt(most - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most)
}
