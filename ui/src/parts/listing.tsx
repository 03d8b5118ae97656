// A long list: pages from the server as they are scrolled to, and only the rows that are in sight in the document.

import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'
import { Waiting, Wrong } from './page'

export type Column<T> = { name: string; width: string; cell: (row: T) => ReactNode }

type Pages<T> = {
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
  empty: ReactNode
}

const AHEAD = 30

export function Listing<T>({ of, label, columns, rowHeight = 46, height = '68dvh', empty }: Props<T>) {
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
      <div className="head hide-phone" role="row" style={{ gridTemplateColumns: grid }} tabIndex={-1}>
        {columns.map((column) => (
          <div role="columnheader" key={column.name} tabIndex={-1}>
            {column.name}
          </div>
        ))}
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
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
