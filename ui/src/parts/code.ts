// How code looks in editors: our own colours, which are readable in light and dark.

import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView, highlightSpecialChars } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { HIDDEN, named } from '../logic/inert'

const nonce = () => document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? ''

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.keyword], color: 'var(--wait)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--faint)', fontStyle: 'italic' },
])

const theme = EditorView.theme({
  '&': { backgroundColor: 'var(--surface)', color: 'var(--ink)', fontSize: '0.8125rem' },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--soft)', color: 'var(--faint)', border: '0' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--live-bg) 45%, transparent)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--calm-bg) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--ink)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--live-bg)', color: 'var(--accent)' },
  '.cm-insertedLine, &.cm-merge-b .cm-changedLine': { backgroundColor: 'var(--good-bg) !important' },
  '.cm-deletedChunk': { backgroundColor: 'var(--bad-bg) !important', color: 'var(--ink)' },
  '.cm-changedText, .cm-deletedChunk .cm-deletedText': { background: 'none !important', textDecoration: 'underline' },
})

/** Signs that would turn the line, hide or drive are shown by their names, as everywhere else. */
const inert = highlightSpecialChars({
  specialChars: HIDDEN,
  render: (code) => {
    const sign = document.createElement('span')
    sign.className = 'sign'
    sign.textContent = named(String.fromCodePoint(code))
    return sign
  },
})

/** What every editor has, and every view of code. */
export const look = (): Extension[] => [theme, syntaxHighlighting(colours), inert, EditorView.cspNonce.of(nonce())]
