// The editor of the SQL console: it runs what is selected or what the cursor is in, and marks where the server stumbled.

import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { PostgreSQL, sql } from '@codemirror/lang-sql'
import { bracketMatching } from '@codemirror/language'
import { setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState, Prec } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react'
import { visible } from '../logic/inert'
import type { Table } from '../logic/results'
import { statementAt } from '../logic/statements'
import { look } from './code'

/** What is to be run, and where it stands in the text. */
export type Chosen = { text: string; from: number }
export type Mark = { from: number; to: number; says: string }
export type Editor = {
  chosen: () => Chosen | null
  whole: () => Chosen
  insert: (text: string) => void
  focus: () => void
}

type Props = {
  value: string
  change: (text: string) => void
  run: (chosen: Chosen | null) => void
  tables: Table[]
  mark: Mark | null
  ref: Ref<Editor>
}

function chosenIn(view: EditorView): Chosen | null {
  const { from, to, empty } = view.state.selection.main
  const text = view.state.doc.toString()
  if (!empty) return { text: text.slice(from, to), from }
  const found = statementAt(text, from)
  return found && { text: text.slice(found.from, found.to), from: found.from }
}

const language = (tables: Table[]) => {
  const schema: Record<string, string[]> = {}
  for (const table of tables) {
    const columns = table.columns.map((column) => column.name)
    schema[`${table.schema}.${table.name}`] = columns
    if (table.schema === 'public') schema[table.name] = columns
  }
  return sql({ dialect: PostgreSQL, schema, upperCaseKeywords: false })
}

export function SqlEditor({ value, change, run, tables, mark, ref }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const speaks = useRef(new Compartment())
  const now = useRef({ change, run })
  now.current = { change, run }
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes is looked up when it is needed
  useEffect(() => {
    if (!box.current) return
    const keys = Prec.highest(
      keymap.of([
        {
          key: 'Mod-Enter',
          run: (at) => {
            now.current.run(chosenIn(at))
            return true
          },
        },
      ]),
    )
    const made = new EditorView({
      state: EditorState.create({
        doc: value,
        extensions: [
          keys,
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          autocompletion({ icons: false }),
          placeholder('select …'),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'SQL', 'aria-multiline': 'true' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) now.current.change(update.state.doc.toString())
          }),
          speaks.current.of(language(tables)),
          ...look(),
          keymap.of([...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        ],
      }),
      parent: box.current,
    })
    view.current = made
    return () => made.destroy()
  }, [])
  useEffect(() => view.current?.dispatch({ effects: speaks.current.reconfigure(language(tables)) }), [tables])
  useEffect(() => {
    const editor = view.current
    if (!editor) return
    const long = editor.state.doc.length
    const marks = mark && mark.from <= long ? [mark] : []
    const found = marks.map(({ from, to, says }) => ({
      from,
      to: Math.min(long, Math.max(to, from + 1)),
      severity: 'error' as const,
      message: visible(says),
    }))
    editor.dispatch(setDiagnostics(editor.state, found))
    if (mark && found[0]) editor.dispatch({ effects: EditorView.scrollIntoView(found[0].from, { y: 'nearest' }) })
  }, [mark])
  useImperativeHandle(
    ref,
    () => ({
      chosen: () => (view.current ? chosenIn(view.current) : null),
      whole: () => ({ text: view.current?.state.doc.toString() ?? '', from: 0 }),
      insert: (text) => {
        const editor = view.current
        if (!editor) return
        editor.dispatch(editor.state.replaceSelection(text))
        editor.focus()
      },
      focus: () => view.current?.focus(),
    }),
    [],
  )
  return <div ref={box} className="sql-editor" />
}
