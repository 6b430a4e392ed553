import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backoff, Connection, type LinkState, SILENCE_MS } from '@/live/connection'
import type { StreamEvent } from '@/live/sse'

/** A server made of streams: each call of fetch opens one that the test feeds, ends or breaks. */
class Line {
  readonly requests: Record<string, string>[] = []
  private controllers: ReadableStreamDefaultController<Uint8Array>[] = []
  status = 200

  readonly fetch = ((_: string, init: RequestInit) => {
    this.requests.push(init.headers as Record<string, string>)
    if (this.status !== 200) return Promise.resolve(new Response('', { status: this.status }))
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controllers.push(controller)
        init.signal?.addEventListener('abort', () => {
          try {
            controller.error(new DOMException('aborted', 'AbortError'))
          } catch (error) {
            if (!(error instanceof TypeError)) throw error // already closed by the test
          }
        })
      },
    })
    return Promise.resolve(new Response(body, { status: 200 }))
  }) as typeof fetch

  say(text: string): void {
    this.controllers.at(-1)?.enqueue(new TextEncoder().encode(text))
  }
  end(): void {
    this.controllers.at(-1)?.close()
  }
}

function open(line: Line) {
  const events: StreamEvent[] = []
  const states: LinkState[] = []
  const opened: boolean[] = []
  let refused = 0
  const connection = new Connection({
    url: '/events', fetch: line.fetch, random: () => 0, onEvent: (event) => events.push(event), onOpen: (resumed) => opened.push(resumed),
    onState: (state) => states.push(state), onRefused: () => (refused += 1),
  })
  connection.start()
  return { connection, events, states, opened, refused: () => refused }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the live line', () => {
  it('reconnects after the server hangs up and says from where it goes on', async () => {
    const line = new Line()
    const { connection, events, states, opened } = open(line)
    await vi.advanceTimersByTimeAsync(10)
    line.say('id: 41\nevent: alarm\ndata: {}\n\n')
    await vi.advanceTimersByTimeAsync(10)
    line.end()

    await vi.advanceTimersByTimeAsync(1000)

    expect(line.requests.map((headers) => headers['Last-Event-ID'])).toEqual([undefined, '41'])
    expect(events.map((event) => event.id)).toEqual(['41'])
    expect(opened).toEqual([false, true])
    expect(states).toEqual(['live', 'lost', 'live'])
    connection.stop()
  })

  it('gives up a line that is silent for longer than two heartbeats', async () => {
    const line = new Line()
    const { connection, states } = open(line)
    await vi.advanceTimersByTimeAsync(SILENCE_MS - 2000)
    line.say(': beat\n\n')

    await vi.advanceTimersByTimeAsync(SILENCE_MS - 2000)
    expect(line.requests).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(5000)

    expect(line.requests).toHaveLength(2)
    expect(states).toContain('lost')
    connection.stop()
  })

  it('does not knock again when nobody is signed in', async () => {
    const line = new Line()
    line.status = 401
    const { refused } = open(line)

    await vi.advanceTimersByTimeAsync(60_000)

    expect(refused()).toBe(1)
    expect(line.requests).toHaveLength(1)
  })

  it('waits longer each time the server is away, and not at all when told to hurry', async () => {
    const line = new Line()
    line.status = 503
    const { connection } = open(line)
    await vi.advanceTimersByTimeAsync(60_000)
    const tries = line.requests.length

    connection.hurry()
    await vi.advanceTimersByTimeAsync(10)

    expect(tries).toBeLessThan(14)
    expect(line.requests.length).toBe(tries + 1)
    connection.stop()
  })

  it('forgets its place when told that the history is another one', async () => {
    const line = new Line()
    const { connection } = open(line)
    await vi.advanceTimersByTimeAsync(10)
    line.say('id: 9\ndata: {}\n\n')
    await vi.advanceTimersByTimeAsync(10)

    connection.forget()
    line.end()
    await vi.advanceTimersByTimeAsync(1000)

    expect(line.requests.at(-1)?.['Last-Event-ID']).toBeUndefined()
    connection.stop()
  })
})

describe('the back-off', () => {
  it('doubles, is capped and spreads the clients over half of its length', () => {
    expect(backoff(0, () => 0)).toBe(250)
    expect(backoff(0, () => 1)).toBe(500)
    expect(backoff(3, () => 1)).toBe(4000)
    expect(backoff(99, () => 1)).toBe(15_000)
    expect(backoff(99, () => 0)).toBe(7500)
  })
})
