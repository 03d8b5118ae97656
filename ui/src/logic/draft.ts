// A changed policy that is being written: kept in this browser until it is proposed or thrown away, with the text that
// it is a change of, so that somebody else's change in between is noticed and not overwritten.

/** `base` and `was`: the file's text when the draft began, and its digest. */
export type Draft = { text: string; base: string; was: string }
type File = { text: string; text_digest: string }
type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

const key = (policy: string) => `daypass.draft.${policy}`

/** The draft of a policy; one without any change where none was begun, or where what is kept cannot be read. */
export function begun(store: Store, policy: string, file: File): Draft {
  const fresh = { text: file.text, base: file.text, was: file.text_digest }
  try {
    const kept = JSON.parse(store.getItem(key(policy)) ?? 'null') as Partial<Draft> | null
    if (kept && [kept.text, kept.base, kept.was].every((one) => typeof one === 'string')) return kept as Draft
  } catch {
    // What is kept is no draft: it is begun anew.
  }
  return fresh
}

export function keep(store: Store, policy: string, draft: Draft): void {
  if (draft.text === draft.base) store.removeItem(key(policy))
  else store.setItem(key(policy), JSON.stringify(draft))
}

export const throwAway = (store: Store, policy: string): void => store.removeItem(key(policy))

/** Whether the file is no longer what the draft began from. */
export const overtaken = (draft: Draft, file: File): boolean => draft.was !== file.text_digest

/** The same text, now as a change of what the file says by now. */
export const rebased = (draft: Draft, file: File): Draft => ({ ...draft, base: file.text, was: file.text_digest })
