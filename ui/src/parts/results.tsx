// Results as they come: a grid of which only what is in sight is in the document, however long and wide it is.

import { Button, Group, Modal, Tabs } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import type { Column, Remark, Result, Row } from '../logic/console'
import { save } from '../logic/finding'
import { visible } from '../logic/inert'
import { isNumber, toCsv, toJson, toTsv, widths } from '../logic/results'
import { measured } from '../logic/times'
import { CopyIcon } from './copy'
import { Said } from './said'

const ROW_PX = 27
const FILE_NAME = 'result'
const PART = 50_000
const COPIED_ROWS_MAX = 20_000

const counted = (n: number): string => n.toLocaleString('en-GB')

export function Results({ results, running }: { results: Result[]; running: boolean }) {
  const [chosen, setChosen] = useState<number | null>(null)
  const last = results.at(-1)
  const shown = results.find((one) => one.key === chosen) ?? last
  const first = results[0]?.key
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new run is looked at from its end again
  useEffect(() => setChosen(null), [first])
  if (!shown) {
    return (
      <p className="faint small pad">
        {running ? 'running …' : 'Results are shown here. Nothing of them is kept but by you.'}
      </p>
    )
  }
  return (
    <>
      {results.length > 1 && (
        <Tabs value={String(shown.key)} onChange={(key) => setChosen(Number(key))}>
          <Tabs.List px={8}>
            {results.map((one, n) => (
              <Tabs.Tab key={one.key} value={String(one.key)} px={9} py={6} fz="xs" c={one.error ? 'alarm' : undefined}>
                {n + 1} · {one.error ? one.error.code || 'error' : (one.tag ?? '…').split(' ')[0] || 'nothing'}
              </Tabs.Tab>
            ))}
          </Tabs.List>
        </Tabs>
      )}
      <OneResult key={shown.key} result={shown} running={running && shown === last} />
    </>
  )
}

function OneResult({ result, running }: { result: Result; running: boolean }) {
  const { columns, rows, error } = result
  return (
    <section aria-label="Result" className="result">
      {result.notices.map((one, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they only grow
        <Notice key={n} remark={one} />
      ))}
      {error && (
        <div className="problem" role="alert">
          <div className="strong">
            <Said text={`${error.severity}: ${error.message}`} />
          </div>
          {error.detail && <Said text={error.detail} />}
          {error.hint && (
            <div className="hint">
              <Said text={error.hint} />
            </div>
          )}
          <div className="tiny">SQLSTATE {visible(error.code)}</div>
        </div>
      )}
      {columns && <Grid columns={columns} rows={rows} version={result.version} />}
      <div className="result-foot small faint" role="status">
        <span>{summary(result, running)}</span>
        {columns && rows.length > 0 && !running && <Files columns={columns} rows={rows} />}
      </div>
    </section>
  )
}

export function Notice({ remark }: { remark: Remark }) {
  return (
    <div className="remark small" data-bad={remark.severity === 'WARNING' || remark.severity === 'LIMIT' || undefined}>
      <span className="strong">{visible(remark.severity)}</span> <Said text={remark.message} />
      {remark.detail && (
        <div>
          <Said text={remark.detail} />
        </div>
      )}
    </div>
  )
}

function summary(result: Result, running: boolean): string {
  const rows = result.columns ? `${counted(result.rows.length)} ${result.rows.length === 1 ? 'row' : 'rows'}` : ''
  if (result.tag === null) return running ? `running … ${rows}` : rows
  const more = result.dropped ? `, and ${counted(result.dropped)} more that are not shown: a LIMIT gives fewer` : ''
  const took = result.ms === null ? '' : measured(result.ms)
  return [`${rows || visible(result.tag) || 'nothing to do'}${more}`, took].filter(Boolean).join(' · ')
}

function Files({ columns, rows }: { columns: Column[]; rows: Row[] }) {
  const some = rows.length <= COPIED_ROWS_MAX
  return (
    <Group gap={6}>
      {some && <CopyIcon text={toTsv(columns, rows)} what="all rows" />}
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => save(`${FILE_NAME}.csv`, 'text/csv', toCsv(columns, rows))}
      >
        CSV
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => save(`${FILE_NAME}.json`, 'application/json', toJson(columns, rows))}
      >
        JSON
      </Button>
    </Group>
  )
}

type Place = { row: number; column: number }

function Grid({ columns, rows, version }: { columns: Column[]; rows: Row[]; version: number }) {
  const box = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<Place>({ row: 0, column: 0 })
  const [open, setOpen] = useState(false)
  const few = rows.length < 60 ? version : 60
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first rows say how wide columns are, and stay the first
  const wide = useMemo(() => widths(columns, rows), [columns, few])
  const down = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 15,
  })
  const across = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => box.current,
    estimateSize: (n) => wide[n] ?? 100,
    overscan: 3,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when the widths are others
  useEffect(() => across.measure(), [wide])
  function go(row: number, column: number): void {
    const to = {
      row: Math.max(0, Math.min(rows.length - 1, row)),
      column: Math.max(0, Math.min(columns.length - 1, column)),
    }
    setAt(to)
    down.scrollToIndex(to.row)
    across.scrollToIndex(to.column)
  }
  function press(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? ROW_PX) / ROW_PX) - 2)
    const moves: Record<string, [number, number]> = {
      ArrowDown: [at.row + 1, at.column],
      ArrowUp: [at.row - 1, at.column],
      ArrowRight: [at.row, at.column + 1],
      ArrowLeft: [at.row, at.column - 1],
      PageDown: [at.row + page, at.column],
      PageUp: [at.row - page, at.column],
      Home: event.ctrlKey ? [0, 0] : [at.row, 0],
      End: event.ctrlKey ? [rows.length - 1, columns.length - 1] : [at.row, columns.length - 1],
    }
    const move = moves[event.key]
    if (move) go(...move)
    else if (event.key === 'Enter' && rows.length > 0) setOpen(true)
    else return
    event.preventDefault()
  }
  const cell = rows[at.row]?.[at.column] ?? null
  return (
    <>
      <div
        className="grid"
        ref={box}
        role="grid"
        aria-label="Rows"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length}
        aria-activedescendant={rows.length > 0 ? `cell-${at.row}-${at.column}` : undefined}
        tabIndex={0}
        onKeyDown={press}
        onCopy={(event) => {
          if (!document.getSelection()?.isCollapsed) return
          event.clipboardData.setData('text/plain', cell ?? '')
          event.preventDefault()
        }}
      >
        <div className="grid-head" role="row" aria-rowindex={1} style={{ width: across.getTotalSize() }}>
          {across.getVirtualItems().map((item) => (
            <div
              role="columnheader"
              aria-colindex={item.index + 1}
              key={item.key}
              style={{ left: item.start, width: item.size }}
              title={visible(`${columns[item.index]?.name} ${columns[item.index]?.type}`)}
            >
              {visible(columns[item.index]?.name ?? '')}
              <span className="type">{visible(columns[item.index]?.type ?? '')}</span>
            </div>
          ))}
        </div>
        <div
          role="rowgroup"
          style={{ height: down.getTotalSize(), width: across.getTotalSize(), position: 'relative' }}
        >
          {down.getVirtualItems().map((line) => (
            <div
              role="row"
              aria-rowindex={line.index + 2}
              key={line.key}
              className="grid-row"
              style={{ top: line.start, height: ROW_PX, width: across.getTotalSize() }}
            >
              {across.getVirtualItems().map((item) => (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys
                <div
                  role="gridcell"
                  id={`cell-${line.index}-${item.index}`}
                  aria-colindex={item.index + 1}
                  aria-selected={at.row === line.index && at.column === item.index}
                  key={item.key}
                  className={isNumber(columns[item.index]?.type ?? '') ? 'number' : undefined}
                  style={{ left: item.start, width: item.size }}
                  onClick={() => setAt({ row: line.index, column: item.index })}
                  onDoubleClick={() => setOpen(true)}
                >
                  <Cell text={rows[line.index]?.[item.index] ?? null} />
                </div>
              ))}
            </div>
          ))}
        </div>
      </div>
      <div className="cell-bar small">
        <span className="faint">
          {visible(columns[at.column]?.name ?? '')}, row {counted(at.row + 1)}
        </span>
        <div className="grow cut">{rows.length > 0 && <Cell text={cell} />}</div>
        <Button size="compact-xs" variant="subtle" disabled={rows.length === 0} onClick={() => setOpen(true)}>
          Whole cell
        </Button>
      </div>
      <Modal opened={open} onClose={() => setOpen(false)} size="xl" title={visible(columns[at.column]?.name ?? '')}>
        <Whole text={cell} />
      </Modal>
    </>
  )
}

function Cell({ text }: { text: string | null }) {
  if (text === null) return <span className="no-value">NULL</span>
  if (text === '') return <span className="no-value">&apos;&apos;</span>
  return <Said text={text} line most={200} />
}

/** All of one cell, in parts that a page can carry. */
function Whole({ text }: { text: string | null }) {
  const [part, setPart] = useState(0)
  if (text === null) return <span className="no-value">NULL</span>
  const parts = Math.max(1, Math.ceil(text.length / PART))
  const from = part * PART
  return (
    <>
      <Group gap={8} mb={8}>
        <span className="small faint" role="status">
          {text.length === 0
            ? 'the empty text'
            : `characters ${counted(from + 1)} to ${counted(Math.min(text.length, from + PART))} of ${counted(text.length)}`}
        </span>
        <CopyIcon text={text} what="the whole cell" />
        <Button size="compact-xs" variant="default" onClick={() => save('cell.txt', 'text/plain', text)}>
          Save
        </Button>
        {parts > 1 && (
          <>
            <Button size="compact-xs" variant="default" disabled={part === 0} onClick={() => setPart(part - 1)}>
              Back
            </Button>
            <Button size="compact-xs" variant="default" disabled={part + 1 >= parts} onClick={() => setPart(part + 1)}>
              On
            </Button>
          </>
        )}
      </Group>
      <div className="whole mono" tabIndex={0} role="region" aria-label="The cell">
        <Said text={text.slice(from, from + PART)} most={PART} />
      </div>
    </>
  )
}
