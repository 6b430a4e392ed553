import { describe, expect, it } from 'vitest'
import { SseParser } from '@/live/sse'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('the event stream parser', () => {
  it('gives the same events wherever the chunks are cut, even inside a Chinese character', () => {
    const whole = bytes('event: alarm\nid: 7\ndata: {"what":"困人"}\n\n: beat\n\nevent: values\r\ndata: 1\r\ndata: 2\r\n\r\n')
    const expected = [
      { event: 'alarm', data: '{"what":"困人"}', id: '7' },
      { event: 'values', data: '1\n2', id: null },
    ]
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const parser = new SseParser()

      const events = [...parser.feed(whole.slice(0, cut)), ...parser.feed(whole.slice(cut))]

      expect(events, `cut at ${cut}`).toEqual(expected)
    }
  })

  it('ignores comments, unknown fields and an event without data', () => {
    expect(new SseParser().feed(bytes(': x\n\nretry: 5\n\nevent: hello\n\ndata: a\n\n'))).toEqual([{ event: 'message', data: 'a', id: null }])
  })

  it('does not carry an id over to the next event', () => {
    expect(new SseParser().feed(bytes('id: 3\ndata: a\n\ndata: b\n\n')).map((event) => event.id)).toEqual(['3', null])
  })
})
