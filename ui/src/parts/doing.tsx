// Doing something: a button that tells what came of it, and a dialogue for what needs a reason.

import { Button, type ButtonProps, Group, Modal, Textarea } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Refusal } from '../logic/api'
import { visible } from '../logic/inert'
import { Wrong } from './page'

/** Says what went wrong, and what to do. */
export function told(error: unknown): void {
  const refusal = error instanceof Refusal ? error : null
  notifications.show({
    color: 'alarm',
    title: visible(refusal?.detail ?? 'that failed'),
    message: visible(refusal?.hint ?? ''),
    autoClose: 8000,
  })
}

/** Something that changes the server. Everything shown is asked for anew when it is done. */
export function useDoing<V, T>(act: (values: V) => Promise<T>, done?: (result: T) => void, quiet = false) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: (result) => {
      void queries.invalidateQueries()
      done?.(result)
    },
    onError: (error) => {
      // What was refused may be so because what is shown is old.
      void queries.invalidateQueries()
      if (!quiet) told(error)
    },
  })
}

type DoProps = ButtonProps & { act: () => Promise<unknown>; said?: string; children: ReactNode; done?: () => void }

export function Do({ act, said, children, done, ...button }: DoProps) {
  const doing = useDoing(act, () => {
    if (said) notifications.show({ message: said, color: 'day' })
    done?.()
  })
  return (
    <Button {...button} loading={doing.isPending} onClick={() => doing.mutate(undefined)}>
      {children}
    </Button>
  )
}

type BecauseProps = ButtonProps & {
  title: string
  label: string
  act: (reason: string) => Promise<unknown>
  said?: string
  optional?: boolean
  explain?: ReactNode
  children: ReactNode
  extra?: ReactNode
  confirm: string
}

/** A button that asks why before it does anything. */
export function Because({
  title,
  label,
  act,
  said,
  optional,
  explain,
  children,
  extra,
  confirm,
  ...button
}: BecauseProps) {
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const doing = useDoing(
    act,
    () => {
      setOpen(false)
      setReason('')
      if (said) notifications.show({ message: said, color: 'day' })
    },
    true,
  )
  const ready = optional || reason.trim() !== ''
  return (
    <>
      <Button {...button} onClick={() => setOpen(true)}>
        {children}
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={title}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (ready) doing.mutate(reason)
          }}
        >
          {explain && <p className="small faint">{explain}</p>}
          {extra}
          <Textarea
            label={label}
            data-autofocus
            autosize
            minRows={2}
            maxRows={8}
            required={!optional}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          {doing.isError && (
            <div style={{ marginTop: 10 }}>
              <Wrong error={doing.error} />
            </div>
          )}
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={() => setOpen(false)}>
              Cancel
            </Button>
            <Button type="submit" color={button.color} loading={doing.isPending} disabled={!ready}>
              {confirm}
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  )
}
