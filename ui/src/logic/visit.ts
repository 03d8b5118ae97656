// Whether somebody is signed in here. The cookie that says so is the browser's, and out of our reach: all that is kept
// here is whether the server last knew us.

let known: boolean | null = null
let visits = 0
const listeners = new Set<() => void>()

/** null: not asked yet. */
export const signedIn = (): boolean | null => known

/** Which visit this is: another number each time that somebody has signed in. */
export const visit = (): number => visits

export function know(signedIn: boolean): void {
  if (known === signedIn) return
  known = signedIn
  if (signedIn) visits += 1
  for (const tell of listeners) tell()
}

export function onSignedIn(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
