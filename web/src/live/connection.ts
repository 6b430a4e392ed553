/**
 * The live line to the server: one stream at a time, reconnecting with a jittered back-off and Last-Event-ID.
 *
 * fetch instead of EventSource, because EventSource can neither send Last-Event-ID after a restart of ours nor tell a
 * 401 from a dead network, and notices silence only when the network stack does.
 */

import { SseParser, type StreamEvent } from './sse'

export type LinkState = 'connecting' | 'live' | 'lost'

export interface ConnectionOptions {
  url: string
  onEvent: (event: StreamEvent) => void
  /** The stream is open (again). `resumed`: Last-Event-ID was sent. */
  onOpen: (resumed: boolean) => void
  onState: (state: LinkState) => void
  /** The server answered 401: nobody is signed in, so there is no use in trying again. */
  onRefused: () => void
  headers?: () => Record<string, string>
  fetch?: typeof fetch
  random?: () => number
  now?: () => number
}

/** The server sends a comment every 10 s; after this long without a byte the line is dead. */
export const SILENCE_MS = 25_000
const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 15_000

/** Full jitter: anywhere between half and the whole of the doubled delay, so that a thousand pages do not return at once. */
export function backoff(attempt: number, random: () => number): number {
  const whole = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10))
  return whole / 2 + (random() * whole) / 2
}

export class Connection {
  /** Time of the last byte (Date.now of this device), 0 before the first. */
  lastByteMs = 0
  /** The newest replayable event we have seen. */
  lastId: string | null = null
  private attempt = 0
  private state: LinkState = 'connecting'
  private running = false
  private abort: AbortController | null = null
  private wake: (() => void) | null = null

  constructor(private readonly options: ConnectionOptions) {}

  /** Connect and stay connected until stop(). */
  start(): void {
    if (this.running) return
    this.running = true
    void this.run()
  }

  stop(): void {
    this.running = false
    this.abort?.abort()
    this.wake?.()
  }

  /** Try now instead of after the back-off (the network is back, the tab is visible again). */
  hurry(): void {
    this.attempt = 0
    this.wake?.()
  }

  /** Give up this stream and open another, e.g. when events went missing. */
  restart(): void {
    this.abort?.abort()
  }

  /** Forget the place: the server cannot replay from there. */
  forget(): void {
    this.lastId = null
  }

  private now(): number {
    return (this.options.now ?? Date.now)()
  }

  private become(state: LinkState): void {
    if (state === this.state) return
    this.state = state
    this.options.onState(state)
  }

  private async run(): Promise<void> {
    while (this.running) {
      const refused = await this.stream()
      if (!this.running) return
      if (refused) {
        this.running = false
        this.options.onRefused()
        return
      }
      this.become('lost')
      await this.pause(backoff(this.attempt++, this.options.random ?? Math.random))
    }
  }

  /** One stream from open to end. True when the server refused us. */
  private async stream(): Promise<boolean> {
    const abort = new AbortController()
    this.abort = abort
    const watchdog = setInterval(() => {
      if (this.now() - this.lastByteMs > SILENCE_MS) abort.abort()
    }, 1000)
    this.lastByteMs = this.now()
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream', ...this.options.headers?.() }
      const resumed = this.lastId !== null
      if (this.lastId !== null) headers['Last-Event-ID'] = this.lastId
      const response = await (this.options.fetch ?? fetch)(this.options.url, {
        headers,
        signal: abort.signal,
        credentials: 'same-origin',
        cache: 'no-store',
      })
      if (response.status === 401) return true
      if (!response.ok || !response.body) return false
      this.lastByteMs = this.now()
      this.attempt = 0
      this.options.onOpen(resumed)
      this.become('live')
      await this.read(response.body.getReader())
    } catch (error) {
      // A network that goes away is ordinary: fetch says TypeError, our own abort AbortError. The rest is a bug.
      if (!(error instanceof TypeError || (error instanceof DOMException && error.name === 'AbortError'))) throw error
    } finally {
      clearInterval(watchdog)
      abort.abort()
    }
    return false
  }

  private async read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const parser = new SseParser()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      this.lastByteMs = this.now()
      for (const event of parser.feed(value)) {
        if (event.id !== null) this.lastId = event.id
        this.options.onEvent(event)
      }
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      const self = this
      function done(): void {
        clearTimeout(timer)
        self.wake = null
        resolve()
      }
      this.wake = done
    })
  }
}
