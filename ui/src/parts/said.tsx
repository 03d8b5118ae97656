// Text that somebody wrote: shown as it is, never acting, and never more of it than a page can carry.

import { UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { clipped, pieces } from '../logic/inert'

const SHOWN = 2000
const SHOWN_WHOLE = 100_000

type Props = { text: string; most?: number; line?: boolean; mono?: boolean }

/** `line`: one line, cut by the space there is. */
export function Said({ text, most = SHOWN, line = false, mono = false }: Props) {
  const [open, setOpen] = useState(false)
  const limit = line ? Math.min(most, 400) : open ? SHOWN_WHOLE : most
  const shown = clipped(text, limit)
  const flat = line ? shown.replaceAll(/\s+/g, ' ') : shown
  const rest = text.length - shown.length
  return (
    <>
      <bdi className={`said${line ? ' line' : ''}${mono ? ' mono' : ''}`}>
        {pieces(flat).map((piece, n) =>
          piece.hidden ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name
            <span className="sign" key={n}>
              {piece.text}
            </span>
          ) : (
            piece.text
          ),
        )}
      </bdi>
      {rest > 0 && !line && (
        <span className="faint small">
          {' '}
          … {rest.toLocaleString('en-GB')} more characters
          {!open && (
            <>
              {' '}
              <UnstyledButton fz="sm" c="var(--accent)" onClick={() => setOpen(true)}>
                show more
              </UnstyledButton>
            </>
          )}
        </span>
      )}
    </>
  )
}
