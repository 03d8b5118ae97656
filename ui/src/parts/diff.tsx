// What a changed text changes, line by line. For reading only: what would not be seen is spelled out before it gets here,
// as lines that are gone are drawn without what the editor draws its own with.

import { yaml } from '@codemirror/lang-yaml'
import { unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { visible } from '../logic/inert'
import { look } from './code'

type Props = { was: string; now: string; label: string }

export default function Diff({ was, now, label }: Props) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!box.current) return
    const made = new EditorView({
      state: EditorState.create({
        doc: visible(now),
        extensions: [
          lineNumbers(),
          EditorView.lineWrapping,
          yaml(),
          ...look(),
          EditorState.readOnly.of(true),
          EditorView.editable.of(false),
          EditorView.contentAttributes.of({
            'aria-label': label,
            tabindex: '0',
            role: 'textbox',
            'aria-readonly': 'true',
          }),
          unifiedMergeView({
            original: visible(was),
            mergeControls: false,
            syntaxHighlightDeletions: false,
            collapseUnchanged: { margin: 3, minSize: 6 },
          }),
        ],
      }),
      parent: box.current,
    })
    return () => made.destroy()
  }, [was, now, label])
  return <div ref={box} className="code" />
}
