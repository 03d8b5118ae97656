// A series over time, drawn by uPlot, which is fetched when the first chart is shown. What it draws is said beside it.

import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import type uPlot from 'uplot'

export type ChartPoint = { t: number; number: number | null }
type Props = {
  points: ChartPoint[]
  former: number | null
  said: string
  figure: (number: number | null) => string
  bars: boolean
}

const HEIGHT = 210
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

export function Chart({ points, former, said, figure, bars }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light')
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the scheme changes
  useEffect(() => {
    let plot: uPlot | undefined
    let gone = false
    const watching = new ResizeObserver(([entry]) => {
      if (plot && entry) plot.setSize({ width: Math.max(200, Math.floor(entry.contentRect.width)), height: HEIGHT })
    })
    void (async () => {
      const [{ default: UPlot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')])
      const element = box.current
      if (gone || !element) return
      plot = new UPlot(options(UPlot, element, bars, figure, room(points)), data(points, former, bars), element)
      settle(plot)
      watching.observe(element)
    })()
    return () => {
      gone = true
      watching.disconnect()
      plot?.destroy()
    }
  }, [points, former, figure, bars, scheme])
  return <div ref={box} role="img" aria-label={said} style={{ minHeight: HEIGHT, minWidth: 0 }} />
}

/** What the legend says where nothing is pointed at: the newest. */
const settle = (plot: uPlot): void => plot.setLegend({ idx: plot.data[0].length - 1 }, false)

/** Half of a bar's place, in seconds. */
const room = (points: ChartPoint[]): number => ((points[1]?.t ?? 0) - (points[0]?.t ?? 0)) / 2000

/** Bars are of parts; the former period as a whole is a line only beside numbers of the same kind. */
function data(points: ChartPoint[], former: number | null, bars: boolean): uPlot.AlignedData {
  const own = [points.map((one) => one.t / 1000), points.map((one) => one.number)] as const
  return bars ? [own[0], own[1]] : [own[0], own[1], points.map(() => former)]
}

function options(
  UPlot: typeof uPlot,
  element: HTMLElement,
  bars: boolean,
  figure: (number: number | null) => string,
  room: number,
): uPlot.Options {
  const colours = getComputedStyle(document.documentElement)
  const colour = (name: string) => colours.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--faint'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  }
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    tzDate: (at) => UPlot.tzDate(new Date(at * 1000), 'Etc/UTC'),
    legend: { show: true, live: true },
    cursor: { y: false },
    hooks: { setLegend: [(plot) => plot.legend.idx === null && settle(plot)] },
    // Bars have room at both ends.
    scales: {
      x: { range: (_, low, high) => (bars ? [low - room, high + room] : [low, high]) },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 0) > 0 ? (high ?? 0) * 1.12 : 1] },
    },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((at) => DAY.format(at * 1000)) },
      { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => figure(tick)) },
    ],
    series: [
      { label: 'day', value: '{YYYY}-{MM}-{DD}' },
      {
        label: 'this period',
        stroke: colour('--accent'),
        fill: bars ? colour('--live-bg') : undefined,
        width: 2,
        points: { show: !bars, size: 6 },
        spanGaps: false,
        value: (_: unknown, number: number | null) => figure(number),
        ...(bars && UPlot.paths.bars ? { paths: UPlot.paths.bars({ size: [0.7, 40] }) } : {}),
      },
      ...(bars
        ? []
        : [
            {
              label: 'former period as a whole',
              stroke: colour('--faint'),
              dash: [5, 4],
              width: 1,
              points: { show: false },
              value: (_: unknown, number: number | null) => figure(number),
            },
          ]),
    ],
  }
}
