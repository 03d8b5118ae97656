// A long list: pages from the server as they are scrolled to, and only the rows that are in sight in the document.

import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Waiting, Wrong } from './page'

export type Column<T> = { name: string; width: string; cell: (row: T) => ReactNode }

export type Pages<T> = {
  data: { pages: { items: T[] }[] } | undefined
  error: unknown
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => unknown
  refetch: () => unknown
}

type Props<T> = {
  of: Pages<T>
  label: string
  columns: Column<T>[]
  rowHeight?: number
  height?: string
  /** So wide it is at least (px), and scrolled sideways where there is less; its head is then there on a phone too. */
  narrowest?: number
  empty: ReactNode
}

const AHEAD = 30

export function Listing<T>({ of, label, columns, rowHeight = 46, height = '68dvh', narrowest, empty }: Props<T>) {
  const box = useRef<HTMLDivElement>(null)
  const rows = of.data?.pages.flatMap((page) => page.items) ?? []
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  const more = of.hasNextPage && !of.isFetchingNextPage && !of.error && last >= rows.length - AHEAD
  useEffect(() => {
    if (more) of.fetchNextPage()
  }, [more, of])
  if (of.data === undefined) return of.error ? <Wrong error={of.error} again={() => of.refetch()} /> : <Waiting />
  if (rows.length === 0) return <div className="card">{empty}</div>
  const grid = columns.map((column) => column.width).join(' ')
  return (
    <div
      className="table card"
      ref={box}
      style={{ maxHeight: height }}
      role="table"
      aria-label={label}
      aria-rowcount={of.hasNextPage ? -1 : rows.length + 1}
      tabIndex={0}
    >
      <div
        className={narrowest ? 'head' : 'head hide-phone'}
        role="row"
        style={{ gridTemplateColumns: grid, minWidth: narrowest }}
        tabIndex={-1}
      >
        {columns.map((column) => (
          <div role="columnheader" key={column.name} tabIndex={-1}>
            {column.name}
          </div>
        ))}
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative', minWidth: narrowest }}>
        {items.map((item) => {
          const row = rows[item.index] as T
          return (
            <div
              className="line"
              role="row"
              aria-rowindex={item.index + 2}
              key={item.key}
              style={{ gridTemplateColumns: grid, height: rowHeight, top: item.start }}
            >
              {columns.map((column) => (
                <div role="cell" key={column.name}>
                  {column.cell(row)}
                </div>
              ))}
            </div>
          )
        })}
      </div>
      {of.isFetchingNextPage && <Waiting rows={1} />}
    </div>
  )
}

type SideProps<T> = { of: Pages<T>; label: string; hidden: boolean; item: (row: T) => ReactNode; empty: ReactNode }

const SIDE_ROW = 78

/** The same beside what is picked from it: one narrow column, in which rows are as high as they are. */
export function SideListing<T extends { id: string }>({ of, label, hidden, item, empty }: SideProps<T>) {
  const [box, setBox] = useState<HTMLElement | null>(null)
  return (
    <nav className={`card list${hidden ? ' hide-phone' : ''}`} aria-label={label} ref={setBox}>
      <Flow of={of} box={box} height={SIDE_ROW} item={item} empty={empty} />
    </nav>
  )
}

type HitsProps<T> = { of: Pages<T>; label: string; height: number; item: (row: T) => ReactNode; empty: ReactNode }

/** Rows as high as they are, over the whole of the page. */
export function Hits<T extends { id: string }>({ of, label, ...rest }: HitsProps<T>) {
  const [box, setBox] = useState<HTMLElement | null>(null)
  return (
    <div className="card hits" ref={setBox} role="group" aria-label={label} tabIndex={0}>
      <Flow of={of} box={box} {...rest} />
    </div>
  )
}

/** `box` is what scrolls; null before it is there. A ref would be too late for rows that are there at once. */
type FlowProps<T> = Omit<HitsProps<T>, 'label'> & { box: HTMLElement | null }

function Flow<T extends { id: string }>({ of, box, height, item, empty }: FlowProps<T>) {
  const rows = of.data?.pages.flatMap((page) => page.items) ?? []
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box,
    estimateSize: () => height,
    getItemKey: (n) => rows[n]?.id ?? n,
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  const more = of.hasNextPage && !of.isFetchingNextPage && !of.error && last >= rows.length - AHEAD
  useEffect(() => {
    if (more) of.fetchNextPage()
  }, [more, of])
  return (
    <>
      {of.data === undefined && (of.error ? <Wrong error={of.error} again={() => of.refetch()} /> : <Waiting />)}
      {of.data !== undefined && rows.length === 0 && empty}
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {items.map((one) => (
          <div
            key={one.key}
            data-index={one.index}
            ref={virtual.measureElement}
            style={{ position: 'absolute', top: 0, left: 0, right: 0, transform: `translateY(${one.start}px)` }}
          >
            {item(rows[one.index] as T)}
          </div>
        ))}
      </div>
      {of.isFetchingNextPage && <Waiting rows={1} />}
    </>
  )
}
