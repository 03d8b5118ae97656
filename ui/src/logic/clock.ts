// The server's clock. Deadlines are its business: a browser whose own clock is wrong shows them right all the same.

let offsetMs = 0
let exact = false

/** Now, in ms since 1970, by the server's clock as far as we know it. */
export const now = (): number => Date.now() + offsetMs

/** What an answer's Date header says. It is exact to a second, so that what the server told exactly stands. */
export function toldByHeader(date: string | null): void {
  const at = date ? Date.parse(date) : Number.NaN
  if (Number.isNaN(at) || exact) return
  const off = at + 500 - Date.now()
  if (Math.abs(off - offsetMs) > 1500) offsetMs = off
}

/** What the server just told, exact to the time that it took to get here. */
export function toldExactly(at: number): void {
  offsetMs = at - Date.now()
  exact = true
}
