// How each client is told where to connect. None of these holds a secret: the password is a token, and is typed.

import type { ConnectView } from '../client'

export type Client = { name: string; note: string; text: string }

/** What one copies, by client. `here` is the host that the browser reached, where the server names none. */
export function clientsFor(found: ConnectView, role: string, here: string): Client[] {
  const host = found.host || here
  const database = role ? `${found.target}:${role}` : found.target
  const user = encodeURIComponent(found.person)
  if (found.protocol !== 'postgres') {
    return [{ name: 'daypass', note: 'Runs the native client for you.', text: `daypass connect ${database}` }]
  }
  return [
    { name: 'daypass', note: 'Runs psql for you, with the certificate checked.', text: `daypass connect ${database}` },
    {
      name: 'psql',
      note: 'Asks for your token as the password.',
      text: `psql "host=${host} port=${found.port} user=${found.person} dbname=${database} sslmode=require"`,
    },
    {
      name: 'URL',
      note: 'For anything that takes one. Your token is the password.',
      text: `postgresql://${user}@${host}:${found.port}/${encodeURIComponent(database)}?sslmode=require`,
    },
    {
      name: 'DBeaver / DataGrip',
      note: 'A new PostgreSQL connection with these settings; the password is your token.',
      text: [
        `Host      ${host}`,
        `Port      ${found.port}`,
        `Database  ${database}`,
        `User      ${found.person}`,
        'SSL mode  require',
        `JDBC URL  jdbc:postgresql://${host}:${found.port}/${encodeURIComponent(database)}?sslmode=require`,
      ].join('\n'),
    },
    {
      name: 'Python',
      note: 'psycopg; the token comes from the environment.',
      text: [
        'import os, psycopg',
        '',
        `connection = psycopg.connect(host="${host}", port=${found.port}, dbname="${database}",`,
        `    user="${found.person}", password=os.environ["DAYPASS_TOKEN"], sslmode="require")`,
      ].join('\n'),
    },
  ]
}
