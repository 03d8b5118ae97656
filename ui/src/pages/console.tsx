// The SQL console: statements under an access that one holds, through the same gateway as every client.

import { Button, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { type Ref, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import type { GrantView } from '../client'
import * as asking from '../logic/asking'
import { console_, type Result, type Snapshot } from '../logic/console'
import { placeOf } from '../logic/statements'
import { length } from '../logic/times'
import { Side, useTables } from '../parts/console-side'
import '../parts/console.css'
import { Command } from '../parts/copy'
import { told } from '../parts/doing'
import { Answer, Empty, Heading, Wrong } from '../parts/page'
import { Notice, Results } from '../parts/results'
import { Said } from '../parts/said'
import { type Chosen, type Editor, type Mark, SqlEditor } from '../parts/sql'
import { State } from '../parts/state'
import { Left } from '../parts/time'
import { To } from '../parts/to'

const USABLE = ['ACTIVE', 'READY']
const nameOf = (grant: { target: string; role: string }) => `${grant.target}:${grant.role}`

export function ConsolePage() {
  const grants = useQuery(asking.grants('mine', true))
  return (
    <>
      <Heading
        title="SQL console"
        lead="A session like any other: on the record before it runs, seen live, over with the access."
      />
      <Answer of={grants}>{(found) => <Whole grants={found.filter((one) => USABLE.includes(one.state))} />}</Answer>
    </>
  )
}

function Whole({ grants }: { grants: GrantView[] }) {
  const now = useSyncExternalStore(console_.subscribe, console_.snapshot)
  if (grants.length === 0 && now.state === 'none') {
    return (
      <div className="card">
        <Empty title="You can reach nothing at the moment">
          Ask for access first; then run statements here.{' '}
          <To to="/catalogue" className="strong">
            Request access
          </To>
        </Empty>
      </div>
    )
  }
  return (
    <>
      <Bar grants={grants} now={now} />
      {now.over && <Ended now={now} />}
      {now.problem !== null && <Wrong error={now.problem} />}
      <Bench now={now} />
    </>
  )
}

function Bar({ grants, now }: { grants: GrantView[]; now: Snapshot }) {
  const { pick = '' } = useSearch({ strict: false }) as { pick?: string }
  const names = [...new Set(grants.map(nameOf))]
  const held = now.view && now.state === 'open' ? nameOf(now.view) : null
  const [wanted, setWanted] = useState<string | null>(null)
  const chosen = held ?? wanted ?? (names.includes(pick) ? pick : (names[0] ?? null))
  const grant = grants.find((one) => (now.view && held ? one.id === now.view.grant : nameOf(one) === chosen))
  return (
    <div className="console-bar">
      {held ? (
        <span className="strong">{held}</span>
      ) : (
        <Select
          aria-label="Where, and as what"
          size="xs"
          w={230}
          data={names}
          value={chosen}
          allowDeselect={false}
          disabled={now.state === 'opening'}
          onChange={setWanted}
        />
      )}
      {held ? (
        <Button variant="default" onClick={() => void console_.close().catch(told)}>
          Close
        </Button>
      ) : (
        <Button
          loading={now.state === 'opening'}
          disabled={!grant}
          onClick={() => grant && void console_.open(grant.target, grant.role)}
        >
          {now.over ? 'Open again' : 'Open'}
        </Button>
      )}
      {held && <TransactionState now={now} />}
      {held && now.heard === 'away' && <State state="NOT HEARD" tone="bad" />}
      {grant && <TimeLeft grant={grant} />}
      {now.view && (
        <To to={`/sessions/${now.view.session}`} className="small">
          on the record
        </To>
      )}
    </div>
  )
}

function TransactionState({ now }: { now: Snapshot }) {
  if (now.running) return <State state="RUNNING" tone="live" />
  if (now.transaction === 'open') return <State state="IN A TRANSACTION" tone="wait" />
  if (now.transaction === 'failed') return <State state="TRANSACTION FAILED" tone="bad" />
  return <State state="IDLE" tone="good" />
}

function TimeLeft({ grant }: { grant: GrantView }) {
  if (grant.state !== 'ACTIVE' || !grant.expires_at) {
    return <span className="small faint">{length(grant.duration_ms)} from when you open it</span>
  }
  return (
    <span className="small">
      <span className="faint">access ends in</span>{' '}
      <span className="strong" role="timer">
        <Left until={grant.expires_at} />
      </span>
    </span>
  )
}

const BECAUSE: Record<string, string> = {
  closed: 'The console is closed',
  'signed out': 'You are signed out',
  idle: 'The console was idle for too long',
}

/** Why it is over, and what to do about it. What was running has been rolled back. */
function Ended({ now }: { now: Snapshot }) {
  if (!now.over || !now.view) return null
  const { because, message, hint } = now.over
  if (because === 'closed') return null
  const command = hint.startsWith('daypass ')
  return (
    <div className="problem" role="alert" style={{ marginBottom: 12 }}>
      <div className="strong">{BECAUSE[because] ?? 'This session has ended'}</div>
      <Said text={message} />. What was under way is rolled back.
      {hint && !command && (
        <div className="hint">
          <Said text={hint} />
        </div>
      )}
      {command && (
        <div className="hint" style={{ marginTop: 6 }}>
          <Command text={hint} what="the command" />
        </div>
      )}
      {command && (
        <Button mt="xs" component={To} to="/catalogue" search={{ pick: nameOf(now.view) }}>
          Ask for it again
        </Button>
      )}
    </div>
  )
}

/** Where the server stumbled, as a place in the editor. */
function markOf(results: Result[], text: string): Mark | null {
  const failed = results.find((one) => one.error && one.error.position !== null)
  if (!failed?.error || failed.error.position === null) return null
  const from = placeOf(text.slice(failed.at), failed.error.position) + failed.at
  const word = /^[\p{L}\p{N}_$."]+/u.exec(text.slice(from))
  return { from, to: from + (word?.[0].length ?? 1), says: failed.error.message }
}

function Bench({ now }: { now: Snapshot }) {
  const editor = useRef<Editor>(null)
  const ran = useRef('')
  const [text, setText] = useState(console_.draft)
  const tables = useTables(now)
  const open = now.state === 'open'
  const same = text === ran.current
  const mark = useMemo(() => (same ? markOf(now.results, text) : null), [now.results, text, same])
  useEffect(() => {
    if (open) editor.current?.focus()
  }, [open])
  function run(chosen: Chosen | null): void {
    if (!chosen || chosen.text.trim() === '' || !open || now.running) return
    ran.current = editor.current?.whole().text ?? ''
    void console_.run(chosen.text, chosen.from)
  }
  return (
    <div className="console">
      <Side now={now} tables={tables} text={text} insert={(sql) => editor.current?.insert(sql)} />
      <div style={{ minWidth: 0 }}>
        <div className="card">
          <TypeHere ref={editor} text={text} change={setText} run={run} tables={tables.found} mark={mark} />
          <div className="console-tools">
            <Button disabled={!open || now.running} onClick={() => run(editor.current?.chosen() ?? null)}>
              Run
            </Button>
            <Button
              variant="default"
              disabled={!open || now.running}
              onClick={() => run(editor.current?.whole() ?? null)}
            >
              Run all
            </Button>
            <Button
              variant="default"
              color="alarm"
              disabled={!now.running}
              loading={now.stopping}
              onClick={() => void console_.cancel().catch(told)}
            >
              Stop
            </Button>
            <span className="faint tiny hide-phone">
              <kbd className="kbd">Ctrl</kbd> <kbd className="kbd">Enter</kbd> runs what is selected, or the statement
              at the cursor
            </span>
          </div>
        </div>
        <div className="card" style={{ marginTop: 12 }}>
          <div role="status" style={{ padding: now.remarks.length ? '8px 10px 0' : 0 }}>
            {now.remarks.map((one, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: they come at the front and are all shown
              <Notice key={n} remark={one} />
            ))}
          </div>
          <Results results={now.results} running={now.running} />
        </div>
      </div>
    </div>
  )
}

type TypeProps = {
  ref: Ref<Editor>
  text: string
  change: (text: string) => void
  run: (chosen: Chosen | null) => void
  tables: Parameters<typeof SqlEditor>[0]['tables']
  mark: Mark | null
}

function TypeHere({ ref, text, change, run, tables, mark }: TypeProps) {
  return (
    <SqlEditor
      ref={ref}
      value={text}
      change={(typed) => {
        console_.draft = typed
        change(typed)
      }}
      run={run}
      tables={tables}
      mark={mark}
    />
  )
}
