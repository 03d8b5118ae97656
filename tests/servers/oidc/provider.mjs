// oidc-provider as it is, on a free port: `node provider.mjs PORT KEYS.json CLIENT.json PEOPLE.json`.
// People sign in with any login and password; what it tells of them is in PEOPLE.json, read at each sign-in.
import { readFileSync } from 'node:fs'
import { Provider } from 'oidc-provider'

const [port, keys, client, people] = process.argv.slice(2)
const read = (file) => JSON.parse(readFileSync(file, 'utf8'))
const issuer = `http://127.0.0.1:${port}`

const provider = new Provider(issuer, {
  clients: [read(client)],
  jwks: { keys: read(keys) },
  cookies: { keys: ['a secret of a provider that lives for one test'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  // Its own refuses addresses of this machine, where Daypass listens in tests.
  fetch: (url, options) => globalThis.fetch(url, { method: options.method, body: options.body, headers: options.headers }),
  async findAccount(_, id) {
    return { accountId: id, claims: async () => ({ sub: id, ...read(people)[id] }) }
  },
})
provider.on('backchannel.error', (_, problem) => console.log('backchannel:', problem, problem.cause))
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'))
