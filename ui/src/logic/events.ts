// Server-sent events (WHATWG HTML 9.2) over fetch and a way to keep following, whatever the network does.

export type ServerEvent = { id: string; event: string; data: string }

/** Takes text as it comes and gives the events that are complete. Keeps what is not. */
export class EventReader {
  private rest = ''

  feed(text: string): ServerEvent[] {
    this.rest += text
    const found: ServerEvent[] = []
    let end = this.rest.search(/\r?\n\r?\n/)
    while (end >= 0) {
      const block = this.rest.slice(0, end)
      this.rest = this.rest.slice(end).replace(/^\r?\n\r?\n/, '')
      const event = parse(block)
      if (event) found.push(event)
      end = this.rest.search(/\r?\n\r?\n/)
    }
    return found
  }
}

function parse(block: string): ServerEvent | null {
  const event: ServerEvent = { id: '', event: 'message', data: '' }
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event.event = value
    else if (field === 'id') event.id = value
  }
  return data.length ? { ...event, data: data.join('\n') } : null
}

export type Following = 'live' | 'away' | 'over'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5000
/** The server says something every 10 s. Who hears nothing for so long is cut off and does not know it. */
const SILENCE_MS = 25_000

export type Follow = {
  url: (lastId: string) => string
  event: (event: ServerEvent) => boolean | undefined
  state: (state: Following) => void
}

/** Follow until `stop`, or until `event` returns true: it is over. Comes back by itself, at growing intervals. */
export function follow({ url, event, state }: Follow): () => void {
  const stopping = new AbortController()
  let lastId = ''
  let pause = FIRST_PAUSE_MS

  async function once(): Promise<boolean> {
    const attempt = new AbortController()
    const abort = () => attempt.abort()
    stopping.signal.addEventListener('abort', abort)
    let silence = setTimeout(abort, SILENCE_MS)
    try {
      const answer = await fetch(url(lastId), { signal: attempt.signal, cache: 'no-store' })
      if ([401, 403, 404].includes(answer.status)) return true
      if (!answer.ok || !answer.body) return false
      const reader = new EventReader()
      const stream = answer.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await stream.read()
        if (done) return false
        clearTimeout(silence)
        silence = setTimeout(abort, SILENCE_MS)
        pause = FIRST_PAUSE_MS
        state('live')
        for (const one of reader.feed(value)) {
          if (one.id) lastId = one.id
          if (event(one)) return true
        }
      }
    } catch {
      return false // Away, for whatever reason: the next attempt finds out.
    } finally {
      clearTimeout(silence)
      stopping.signal.removeEventListener('abort', abort)
      attempt.abort()
    }
  }

  async function forever(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (await once()) {
        if (!stopping.signal.aborted) state('over')
        return
      }
      if (stopping.signal.aborted) return
      state('away')
      await waited(pause, stopping.signal)
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    }
  }

  void forever()
  return () => stopping.abort()
}

/** A pause that ends early when the network is back, or when nobody waits any more. */
function waited(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      removeEventListener('online', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
    signal.addEventListener('abort', done)
  })
}
