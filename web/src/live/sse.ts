/** text/event-stream, read piece by piece: a chunk may end anywhere, even inside a character. */

export interface StreamEvent {
  event: string
  data: string
  /** The event's own id; null when it has none and therefore is never replayed. */
  id: string | null
}

export class SseParser {
  private rest = ''
  private event = ''
  private data: string[] = []
  private id: string | null = null
  private readonly decoder = new TextDecoder()

  /** Feed bytes, get the events that are complete. */
  feed(bytes: Uint8Array): StreamEvent[] {
    this.rest += this.decoder.decode(bytes, { stream: true })
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    const out: StreamEvent[] = []
    for (const line of lines) {
      const done = this.line(line)
      if (done) out.push(done)
    }
    return out
  }

  private line(line: string): StreamEvent | null {
    if (line === '') return this.dispatch()
    if (line.startsWith(':')) return null
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.event = value
    else if (field === 'data') this.data.push(value)
    else if (field === 'id' && !value.includes('\0')) this.id = value
    return null
  }

  private dispatch(): StreamEvent | null {
    const done = this.data.length > 0 ? { event: this.event || 'message', data: this.data.join('\n'), id: this.id } : null
    this.event = ''
    this.data = []
    this.id = null
    return done
  }
}
