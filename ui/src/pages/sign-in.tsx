// Signing in: at the identity provider, with a passkey, with a password (and a passkey), or with a token of one's own.

import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { AskedView } from '../client'
import * as api from '../client'
import icon from '../icon.svg'
import { got, Refusal } from '../logic/api'
import { show } from '../logic/passkeys'
import { know } from '../logic/visit'
import { Wrong } from '../parts/page'

/** What the way over the identity provider ended with, which is told in the address. */
function cameBackWith(): Refusal | null {
  const told = new URLSearchParams(location.search)
  const problem = location.pathname === '/sign-in' ? told.get('problem') : null
  return problem ? new Refusal(0, problem, told.get('hint') ?? '') : null
}

/** Where to go when signed in: here, unless here is only about signing in. */
const next = () => (['/sign-in', '/signed-out'].includes(location.pathname) ? '/' : location.pathname + location.search)

const byPasskey = async (asked: AskedView) => got(api.signInWithPasskey({ body: await show(asked) }))

export function SignInPage() {
  const queries = useQueryClient()
  const [problem, setProblem] = useState<unknown>(cameBackWith)
  const ways = useQuery({ queryKey: ['ways'], queryFn: () => got(api.waysToSignIn()), retry: false })
  const [busy, setBusy] = useState('')
  const [byToken, setByToken] = useState(false)
  const has = (way: string) => ways.data?.ways.some((one) => one === way) ?? false
  const local = has('password')

  async function enter(way: string, act: () => Promise<unknown>): Promise<void> {
    setBusy(way)
    setProblem(null)
    try {
      await act()
      queries.clear()
      know(true)
    } catch (error) {
      setProblem(error)
    } finally {
      setBusy('')
    }
  }

  return (
    <main className="door">
      <div className="card">
        <img src={icon} width={40} height={40} alt="" />
        <h1>Daypass</h1>
        <p className="faint">Temporary production access, on the record.</p>
        {has('oidc') && (
          <Button
            component="a"
            href={`/api/v1/sign-in/oidc?next=${encodeURIComponent(next())}`}
            fullWidth
            mb="lg"
            size="sm"
          >
            Sign in at the identity provider
          </Button>
        )}
        {has('passkey') && (
          <Button
            fullWidth
            mb="md"
            size="sm"
            variant={has('oidc') ? 'default' : 'filled'}
            loading={busy === 'passkey'}
            onClick={() => void enter('passkey', async () => byPasskey(await got(api.beginPasskeySignIn())))}
          >
            Use a passkey
          </Button>
        )}
        {local && !byToken && <ByPassword enter={enter} busy={busy === 'password'} />}
        {ways.isFetched && (!local || byToken) && <ByToken enter={enter} busy={busy === 'token'} />}
        {problem !== null && (
          <div style={{ marginTop: 14 }}>
            <Wrong error={problem} />
          </div>
        )}
        {local && (
          <Button variant="subtle" size="compact-sm" mt="md" px={0} onClick={() => setByToken(!byToken)}>
            {byToken ? 'Use a password' : 'Use a token'}
          </Button>
        )}
        <p className="faint small" style={{ margin: '18px 0 0' }}>
          Nothing to sign in with yet? The operator makes it:{' '}
          <span className="mono">daypass people {local && !byToken ? 'password' : 'token'} EMAIL</span>
        </p>
      </div>
    </main>
  )
}

type Way = { enter: (way: string, act: () => Promise<unknown>) => Promise<void>; busy: boolean }

function Fields({
  act,
  busy,
  ready,
  children,
}: {
  act: () => void
  busy: boolean
  ready: boolean
  children: ReactNode
}) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        act()
      }}
    >
      {children}
      <Button type="submit" fullWidth mt="md" size="sm" loading={busy} disabled={!ready}>
        Sign in
      </Button>
    </form>
  )
}

function ByPassword({ enter, busy }: Way) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  async function signIn(): Promise<unknown> {
    const found = await got(api.signInWithPassword({ body: { email: email.trim(), password } }))
    return found.challenge ? byPasskey(found.challenge) : found
  }
  return (
    <Fields act={() => void enter('password', signIn)} busy={busy} ready={!!email.trim() && !!password}>
      <TextInput
        label="Your address"
        type="email"
        autoComplete="username"
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <PasswordInput
        mt="xs"
        label="Your password"
        description="If you have a passkey, it is asked for as well."
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': 'show it', tabIndex: 0 }}
      />
    </Fields>
  )
}

function ByToken({ enter, busy }: Way) {
  const [secret, setSecret] = useState('')
  const signIn = () => got(api.signInWithToken({ body: { token: secret.trim() } }))
  return (
    <Fields act={() => void enter('token', signIn)} busy={busy} ready={!!secret.trim()}>
      <PasswordInput
        label="Your token"
        description="It begins with dp_. This browser keeps a cookie instead of it."
        autoFocus
        autoComplete="off"
        value={secret}
        onChange={(event) => setSecret(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': 'show the token', tabIndex: 0 }}
      />
    </Fields>
  )
}
