// What every page is made of: a heading, sections, and what is shown while there is nothing, or something is wrong.

import { Button, Skeleton } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { Refusal } from '../logic/api'
import { visible } from '../logic/inert'

type HeadingProps = { title: string; lead?: ReactNode; children?: ReactNode; tab?: string }

export function Heading({ title, lead, children, tab }: HeadingProps) {
  useEffect(() => {
    document.title = `${visible(tab ?? title)} · Daypass`
  }, [tab, title])
  return (
    <div className="heading">
      <h1>{visible(title)}</h1>
      {children && <div className="right">{children}</div>}
      {lead && <p className="lead">{lead}</p>}
    </div>
  )
}

export function Section({ title, note, children }: { title: string; note?: ReactNode; children: ReactNode }) {
  return (
    <section className="section" aria-label={visible(title)}>
      <header>
        <h2>{visible(title)}</h2>
        {note && <span className="note">{note}</span>}
      </header>
      {children}
    </section>
  )
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <div className="strong">{title}</div>
      {children && <p>{children}</p>}
    </div>
  )
}

export function Waiting({ rows = 3 }: { rows?: number }) {
  return (
    <div className="pad" aria-busy="true">
      <output className="skip">loading</output>
      {Array.from({ length: rows }, (_, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={n} height={14} mb={10} width={`${90 - n * 14}%`} />
      ))}
    </div>
  )
}

export function Wrong({ error, again }: { error: unknown; again?: () => void }) {
  const refusal = error instanceof Refusal ? error : null
  const detail = refusal?.detail ?? (error instanceof Error ? error.message : String(error))
  return (
    <div className="problem" role="alert">
      <div className="strong">{visible(detail)}</div>
      {refusal?.hint && <div className="hint">{visible(refusal.hint)}</div>}
      {again && (
        <Button mt="xs" variant="default" onClick={again}>
          Try again
        </Button>
      )}
    </div>
  )
}

type Query<T> = { data: T | undefined; error: unknown; refetch: () => unknown }

/** The answer of a query, or what stands in for it. What was there stays there while the network is away. */
export function Answer<T>({ of, children, rows }: { of: Query<T>; children: (data: T) => ReactNode; rows?: number }) {
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.error) return <Wrong error={of.error} again={() => void of.refetch()} />
  return <Waiting rows={rows} />
}
