// Setting a password by a link. What is behind its # is sent nowhere but in the one call that sets it.

import { Button, PasswordInput } from '@mantine/core'
import { useState } from 'react'
import { acceptInvitation } from '../client'
import icon from '../icon.svg'
import { got } from '../logic/api'
import { useDoing } from '../parts/doing'
import { Wrong } from '../parts/page'

export function PasswordPage() {
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  // Read when it is used: another link that is opened here changes the address and loads nothing anew.
  const accept = () => got(acceptInvitation({ body: { code: location.hash.slice(1), password } }))
  const doing = useDoing(accept, undefined, true)
  const differs = again !== '' && again !== password
  return (
    <main className="door">
      <div className="card">
        <img src={icon} width={40} height={40} alt="" />
        <h1>Your password</h1>
        {doing.data ? (
          <>
            <p>
              It is set for <b>{doing.data.email}</b>.
            </p>
            <Button component="a" href="/sign-in" fullWidth mt="md">
              Sign in
            </Button>
          </>
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              doing.mutate(undefined)
            }}
          >
            <p className="faint">15 characters or more: a few words that only you join. The link is good once.</p>
            <PasswordInput
              label="The password"
              autoFocus
              autoComplete="new-password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': 'show the password', tabIndex: 0 }}
            />
            <PasswordInput
              mt="xs"
              label="Once more"
              autoComplete="new-password"
              value={again}
              error={differs ? 'this is another one' : undefined}
              onChange={(event) => setAgain(event.currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': 'show it once more', tabIndex: 0 }}
            />
            {doing.isError && <Wrong error={doing.error} />}
            <Button
              type="submit"
              fullWidth
              mt="md"
              loading={doing.isPending}
              disabled={!password || again !== password}
            >
              Set the password
            </Button>
          </form>
        )}
      </div>
    </main>
  )
}
