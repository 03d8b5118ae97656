// A text editor for policy files: it completes and checks by the form of such files, and says what the server found.

import { autocompletion, type CompletionContext, closeBrackets, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { EditorState, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { choices, flaws, type Names, type Schema } from '../logic/form'
import { visible } from '../logic/inert'
import { parse, spot } from '../logic/yaml'
import { look } from './code'

/** What the server says of a line (from 1). */
export type Remark = { line: number; says: string }

type Props = {
  label: string
  /** What it begins with. It is never written over while somebody types: another text is another editor (`key`). */
  value: string
  change: (text: string) => void
  schema: Schema | undefined
  names: Names
  remarks: Remark[]
}

export default function PolicyEditor({ label, value, change, schema, names, remarks }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const now = useRef({ change, schema, names, remarks })
  now.current = { change, schema, names, remarks }
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes is looked up when it is needed
  useEffect(() => {
    if (!box.current) return
    const complete = (context: CompletionContext) => completions(context, now.current.schema, now.current.names)
    const watch = EditorView.updateListener.of((update) => {
      if (update.docChanged) now.current.change(update.state.doc.toString())
    })
    const made = new EditorView({
      state: EditorState.create({ doc: value, extensions: [...extensions(label), complete_(complete), watch] }),
      parent: box.current,
    })
    view.current = made
    return () => made.destroy()
  }, [])
  useEffect(() => {
    const editor = view.current
    if (!editor) return
    const timer = setTimeout(
      () => editor.dispatch(setDiagnostics(editor.state, diagnostics(editor.state, schema, remarks))),
      CHECK_MS,
    )
    return () => clearTimeout(timer)
  })
  return <div ref={box} className="code" />
}

const CHECK_MS = 150

const complete_ = (source: (context: CompletionContext) => ReturnType<typeof completions>): Extension =>
  autocompletion({ override: [source], icons: false })

const extensions = (label: string): Extension[] => [
  lineNumbers(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightActiveLine(),
  EditorView.lineWrapping,
  lintGutter(),
  yaml(),
  ...look(),
  keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
  // Tab is left to whoever moves through the page by keyboard.
  EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
]

function completions(context: CompletionContext, schema: Schema | undefined, names: Names) {
  if (!schema) return null
  const at = spot(context.state.doc.toString(), context.pos)
  if (at.typed === context.pos && !context.explicit) return null
  const options = choices(at, schema, names).map((one) => ({
    label: one.label,
    displayLabel: visible(one.label),
    info: one.detail,
    apply: one.kind === 'key' ? `${one.label}: ` : one.label,
  }))
  return options.length > 0 ? { from: at.typed, options, validFor: /^[\w@.:-]*$/ } : null
}

function diagnostics(state: EditorState, schema: Schema | undefined, remarks: Remark[]): Diagnostic[] {
  const value = schema ? parse(state.doc.toString()) : null
  const own = value && schema ? flaws(value, schema) : []
  const found: Diagnostic[] = own.map((one) => ({
    from: one.from,
    to: one.to,
    severity: 'error',
    message: visible(one.says),
  }))
  for (const one of remarks) {
    const line = state.doc.line(Math.min(Math.max(one.line, 1), state.doc.lines))
    found.push({ from: line.from, to: line.to, severity: 'error', message: visible(one.says) })
  }
  return found.sort((a, b) => a.from - b.from)
}
