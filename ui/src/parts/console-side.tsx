// Beside the editor: the tables that can be read, what was kept, and what was run before in this console.

import { ActionIcon, Button, Modal, Tabs, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ChevronDown, ChevronRight, Trash2 } from 'lucide-react'
import { useEffect, useState } from 'react'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { readTables, type Snapshot } from '../logic/console'
import { visible } from '../logic/inert'
import { quoted, type Table } from '../logic/results'
import { told, useDoing } from './doing'
import { Answer } from './page'
import { Said } from './said'

export type Tables = { found: Table[]; asked: boolean; reading: boolean; read: () => void }

/** The tables of the open console, once somebody asked for them: to read them is a statement on the record. */
export function useTables(now: Snapshot): Tables {
  const [found, setFound] = useState<Table[]>([])
  const [asked, setAsked] = useState('')
  const [reading, setReading] = useState(false)
  const id = now.view?.id ?? ''
  useEffect(() => {
    if (asked && asked !== id) {
      setFound([])
      setAsked('')
    }
  }, [id, asked])
  async function read(): Promise<void> {
    if (!now.view) return
    setReading(true)
    try {
      setFound(await readTables(now.view))
      setAsked(now.view.id)
    } catch (error) {
      told(error)
    }
    setReading(false)
  }
  return { found, asked: asked !== '' && asked === id, reading, read: () => void read() }
}

type Props = { now: Snapshot; tables: Tables; text: string; insert: (text: string) => void }

export function Side({ now, tables, text, insert }: Props) {
  return (
    <aside className="card console-side" aria-label="Beside the editor">
      <Tabs defaultValue="tables">
        <Tabs.List px={4}>
          <Tabs.Tab value="tables" px={8} fz="xs">
            Tables
          </Tabs.Tab>
          <Tabs.Tab value="snippets" px={8} fz="xs">
            Snippets
          </Tabs.Tab>
          <Tabs.Tab value="ran" px={8} fz="xs">
            History
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tables">
          <AllTables now={now} tables={tables} insert={insert} />
        </Tabs.Panel>
        <Tabs.Panel value="snippets">
          <Snippets text={text} insert={insert} />
        </Tabs.Panel>
        <Tabs.Panel value="ran">
          <Ran now={now} insert={insert} />
        </Tabs.Panel>
      </Tabs>
    </aside>
  )
}

function AllTables({ now, tables, insert }: { now: Snapshot; tables: Tables; insert: (text: string) => void }) {
  const ready = now.state === 'open' && !now.running
  return (
    <>
      {(!tables.asked || tables.found.length === 0) && (
        <div className="pad small faint">
          {tables.asked ? 'There is no table that you can read.' : 'To look is a statement too, and on the record.'}
        </div>
      )}
      {!tables.asked && (
        <div style={{ padding: '0 16px 14px' }}>
          <Button variant="default" disabled={!ready} loading={tables.reading} onClick={tables.read}>
            Show tables
          </Button>
        </div>
      )}
      <ul className="tree">
        {tables.found.map((table) => (
          <OneTable key={`${table.schema}.${table.name}`} table={table} insert={insert} />
        ))}
      </ul>
    </>
  )
}

function OneTable({ table, insert }: { table: Table; insert: (text: string) => void }) {
  const [open, setOpen] = useState(false)
  const name = (table.schema === 'public' ? '' : `${quoted(table.schema)}.`) + quoted(table.name)
  return (
    <li>
      <div className="tree-item">
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <ChevronDown size={13} aria-hidden /> : <ChevronRight size={13} aria-hidden />}
          <Said text={name} line />
        </button>
        <Button size="compact-xs" variant="subtle" onClick={() => insert(name)} aria-label={`insert ${visible(name)}`}>
          +
        </Button>
      </div>
      {open && (
        <ul className="tree">
          {table.columns.map((column) => (
            <li key={column.name}>
              <button type="button" onClick={() => insert(quoted(column.name))}>
                <Said text={column.name} line />
                <span className="faint tiny cut">
                  <Said text={column.type} line />
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </li>
  )
}

function Snippets({ text, insert }: { text: string; insert: (text: string) => void }) {
  const kept = useQuery(asking.snippets)
  const queries = useQueryClient()
  const [naming, setNaming] = useState(false)
  const [name, setName] = useState('')
  const again = () => queries.invalidateQueries({ queryKey: asking.snippets.queryKey })
  const saving = useDoing(
    () => got(api.saveSnippet({ body: { name, text } })),
    () => {
      setNaming(false)
      setName('')
      void again()
    },
  )
  const removing = useDoing((which: string) => got(api.removeSnippet({ body: { name: which } })), again)
  return (
    <>
      <div style={{ padding: '10px 12px 4px' }}>
        <Button variant="default" disabled={text.trim() === ''} onClick={() => setNaming(true)}>
          Keep what is typed
        </Button>
      </div>
      <Answer of={kept} rows={2}>
        {(found) =>
          found.length === 0 ? (
            <div className="pad small faint">Statements that you keep are yours alone, in every browser.</div>
          ) : (
            <ul className="tree">
              {found.map((one) => (
                <li key={one.id} className="tree-item">
                  <button
                    type="button"
                    onClick={() => insert(one.text ?? '')}
                    title={visible(one.text?.slice(0, 400) ?? '')}
                  >
                    <Said text={one.id} line />
                  </button>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size="sm"
                    aria-label={`remove ${visible(one.id)}`}
                    onClick={() => removing.mutate(one.id)}
                  >
                    <Trash2 size={13} />
                  </ActionIcon>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
      <Modal opened={naming} onClose={() => setNaming(false)} title="Keep a snippet">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (name.trim()) saving.mutate(undefined)
          }}
        >
          <TextInput
            label="Its name"
            description="One of the same name is replaced."
            data-autofocus
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button type="submit" mt="md" disabled={!name.trim()} loading={saving.isPending}>
            Keep it
          </Button>
        </form>
      </Modal>
    </>
  )
}

function Ran({ now, insert }: { now: Snapshot; insert: (text: string) => void }) {
  if (now.ran.length === 0) {
    return <div className="pad small faint">What you run here is listed, to be taken up again.</div>
  }
  return (
    <ul className="tree">
      {now.ran.map((one) => (
        <li key={one.key}>
          <button type="button" onClick={() => insert(one.text)}>
            <span className="grow mono cut" style={{ color: one.error ? 'var(--bad)' : undefined }}>
              <Said text={one.text} line />
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}
