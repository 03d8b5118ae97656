// The terminal that plays a recording. It shows what was recorded as a terminal would, and runs nothing of it.

import 'asciinema-player/dist/bundle/asciinema-player.css'
import { create, type Player as Playing } from 'asciinema-player'
import { useEffect, useMemo, useRef } from 'react'
import { asFile } from '../logic/cast'
import type { Watched } from '../logic/watching'

/** Where to jump; `count` tells one wish from the next. */
export type Seek = { at: number; count: number }

const HEADER = '{"version":3,"term":{"cols":120,"rows":32}}'

export function Player({ watched, seek }: { watched: Watched; seek: Seek | null }) {
  const box = useRef<HTMLDivElement>(null)
  const playing = useRef<Playing | null>(null)
  const { version } = watched
  // biome-ignore lint/correctness/useExhaustiveDependencies: the part is changed in place, and its version says so
  const file = useMemo(() => asFile(watched.part, HEADER), [watched.part, version])
  useEffect(() => {
    if (!box.current) return
    const player = create({ data: file, parser: 'asciicast' }, box.current, {
      fit: 'width',
      terminalLineHeight: 1.25,
      cursorMode: 'hidden',
      preload: true,
      poster: 'npt:999999',
      controls: true,
      theme: 'asciinema',
    })
    playing.current = player
    return () => {
      playing.current = null
      player.dispose()
    }
  }, [file])
  useEffect(() => {
    if (seek) void playing.current?.seek(seek.at + 0.001)
  }, [seek])
  return <div ref={box} data-testid="player" />
}
