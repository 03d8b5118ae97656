// Who is signed in, as this tab knows it. A token typed in lives as long as the tab; a cookie is none of our business.

const KEY = 'daypass.token'
let held: string | null = read()
const listeners = new Set<() => void>()

function read(): string | null {
  try {
    return sessionStorage.getItem(KEY)
  } catch {
    return null // Storage may be forbidden: then it is kept in memory alone.
  }
}

export const token = (): string | null => held

export function signInWith(secret: string): void {
  held = secret
  try {
    sessionStorage.setItem(KEY, secret)
  } catch {
    // As above.
  }
  for (const tell of listeners) tell()
}

export function forget(): void {
  held = null
  try {
    sessionStorage.removeItem(KEY)
  } catch {
    // As above.
  }
  for (const tell of listeners) tell()
}

export function onToken(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
