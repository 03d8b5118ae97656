// The terminal that plays a recording. It shows what was recorded as a terminal would, and runs nothing of it.

import 'asciinema-player/dist/bundle/asciinema-player.css'
import { create, type Player as Playing, type Source } from 'asciinema-player'
import { useEffect, useMemo, useRef } from 'react'
import { asFile, lastScreen, type Part } from '../logic/cast'
import type { Watched } from '../logic/watching'

/** Where to jump; `count` tells one wish from the next. */
export type Seek = { at: number; count: number }

/** The line itself is shown, and what came of it not yet. */
const JUST_AFTER_SECONDS = 0.00002
const LOOK = { fit: 'width', terminalLineHeight: 1.25, cursorMode: 'hidden', theme: 'asciinema' } as const
const [COLUMNS_MIN, COLUMNS_MAX, ROWS] = [40, 120, 32]
/** So wide is a column that can be read. */
const COLUMN_PX = 8

/** A terminal that fills this box with signs that can be read. Statements are recorded as lines, which wrap anywhere. */
const fitting = (box: HTMLElement) => ({
  cols: Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, Math.floor(box.clientWidth / COLUMN_PX))),
  rows: ROWS,
})

type Dispatch = (event: string, data?: unknown) => void

/** A source that the player is given what comes from: what was recorded so far at once, and the rest as it comes. */
function going(part: Part) {
  let dispatch: Dispatch | null = null
  let given = 0
  const more = () => {
    for (; dispatch && given < part.lines.length; given += 1) {
      const [, code, text] = JSON.parse(part.lines[given] as string) as [number, string, string]
      if (code === 'o') dispatch('output', text)
    }
  }
  const source = (size: { cols: number; rows: number }) => {
    const driver = (to: { dispatch: Dispatch }) => ({
      init: () => to.dispatch('reset', { size }),
      play: () => {
        dispatch = to.dispatch
        dispatch('play')
        dispatch('playing')
        more()
        return true
      },
      stop: () => {
        dispatch = null
      },
    })
    // A source may be such a function, which its types leave out.
    return driver as unknown as Source
  }
  return { source, more }
}

/** The terminal of a session that goes on, as it goes on. */
export function LivePlayer({ watched }: { watched: Watched }) {
  const box = useRef<HTMLDivElement>(null)
  const playing = useMemo(() => going(watched.part), [watched.part])
  const { version } = watched
  useEffect(() => {
    if (!box.current) return
    const source = playing.source(fitting(box.current))
    const player = create(source, box.current, { ...LOOK, autoPlay: true, controls: false })
    return () => player.dispose()
  }, [playing])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the part is changed in place, and its version says so
  useEffect(() => playing.more(), [playing, version])
  return <div ref={box} data-testid="player" />
}

/** The picture that is there before anything is played: the end of the part. */
function posterOf(part: Part): string {
  const screen = lastScreen(part, ROWS)
  return screen === null ? 'npt:999999' : `data:text/plain,${screen}`
}

export function Player({ watched, seek }: { watched: Watched; seek: Seek | null }) {
  const box = useRef<HTMLDivElement>(null)
  const playing = useRef<Playing | null>(null)
  const { version } = watched
  // biome-ignore lint/correctness/useExhaustiveDependencies: the part is changed in place, and its version says so
  useEffect(() => {
    if (!box.current) return
    const header = JSON.stringify({ version: 3, term: fitting(box.current) })
    const source = { data: asFile(watched.part, header), parser: 'asciicast' as const }
    const player = create(source, box.current, {
      ...LOOK,
      preload: true,
      poster: posterOf(watched.part),
      controls: true,
    })
    playing.current = player
    return () => {
      playing.current = null
      player.dispose()
    }
  }, [watched.part, version])
  useEffect(() => {
    if (seek) void playing.current?.seek(seek.at + JUST_AFTER_SECONDS)
  }, [seek])
  return <div ref={box} data-testid="player" />
}
