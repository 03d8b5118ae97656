// Something to be copied: shown whole, with a button.

import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { Check, Copy } from 'lucide-react'

export function CopyIcon({ text, what }: { text: string; what: string }) {
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'copied' : `copy ${what}`}>
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={`copy ${what}`}>
            {copied ? <Check size={14} /> : <Copy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

export function Command({ text, what }: { text: string; what: string }) {
  return (
    <div className="command">
      <pre tabIndex={0}>{text}</pre>
      <CopyIcon text={text} what={what} />
    </div>
  )
}
