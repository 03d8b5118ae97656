// Times and lengths as people say them. Lengths go out and come in as the command line writes them: 30m, 1h30m, 2d.

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What is left, to the second while that matters: `12:07`, `3 h 05 min`, `2 d 4 h`. Never rounded up. */
export function countdown(ms: number): string {
  if (ms <= 0) return '0:00'
  if (ms >= DAY) return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`
  const minutes = Math.floor(ms / MINUTE)
  if (ms >= HOUR) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
  return `${minutes}:${String(Math.floor((ms % MINUTE) / SECOND)).padStart(2, '0')}`
}

/** A length as typed: `90m` becomes `1h30m`. */
export function length(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)}ms`
  const parts: [number, string][] = [
    [Math.floor(ms / DAY), 'd'],
    [Math.floor((ms % DAY) / HOUR), 'h'],
    [Math.floor((ms % HOUR) / MINUTE), 'm'],
    [Math.floor((ms % MINUTE) / SECOND), 's'],
  ]
  return parts
    .filter(([n]) => n > 0)
    .slice(0, 2)
    .map(([n, unit]) => `${n}${unit}`)
    .join('')
}

/** Reads `30m`, `1h30m`, `2d`, `45` (minutes); null for anything else. */
export function parseLength(text: string): number | null {
  const typed = text.trim().toLowerCase().replaceAll(' ', '')
  if (/^\d{1,6}$/.test(typed)) return Number(typed) * MINUTE || null
  if (!/^(\d{1,6}[dhms])+$/.test(typed)) return null
  const units: Record<string, number> = { d: DAY, h: HOUR, m: MINUTE, s: SECOND }
  let sum = 0
  for (const [, n, unit] of typed.matchAll(/(\d+)([dhms])/g)) sum += Number(n) * (units[unit ?? ''] ?? 0)
  return sum || null
}

/** How long ago or how far ahead, in one unit: `3 min ago`, `in 2 h`. */
export function relative(at: number, now: number): string {
  const off = Math.abs(now - at)
  if (off < 5 * SECOND) return 'just now'
  const said =
    off < MINUTE
      ? `${Math.floor(off / SECOND)} s`
      : off < HOUR
        ? `${Math.floor(off / MINUTE)} min`
        : off < DAY
          ? `${Math.floor(off / HOUR)} h`
          : `${Math.floor(off / DAY)} d`
  return at <= now ? `${said} ago` : `in ${said}`
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const days = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

/** The day, in the reader's own time zone. */
export const day = (at: number): string => days.format(at)
/** The time of day, to the second. */
export const timeOfDay = (at: number): string => clock.format(at)
/** The whole of it, in the reader's own time zone. */
export const whole = (at: number): string => `${day(at)}, ${clock.format(at)}`

/** A measured duration: `7 ms`, `1.24 s`. */
export function measured(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(2)} s`
  return length(ms)
}

/** `1 row`, `2 rows`. */
export const counted = (n: number, noun: string): string => `${n.toLocaleString('en-GB')} ${noun}${n === 1 ? '' : 's'}`
