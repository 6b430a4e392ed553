import { describe, expect, it } from 'vitest'
import type { DisplayCode } from '@/api/types'
import { type Held, isVoid, leftMs, linkOf, secondsLeft, serverNow } from '@/display/span'

const CODE = { now_ms: 1_000_000, ends_ms: 1_020_000, void_ms: 1_050_000 } as DisplayCode
/** Asked for at 0, come 2 s later; the wall clock of the tablet is years off. */
const HELD: Held = { code: CODE, asked: { monotonic: 0, wall: 5 }, came: { monotonic: 2000, wall: 2005 } }
const at = (ms: number): { monotonic: number; wall: number } => ({ monotonic: ms, wall: ms + 5 })

describe('a code on a display', () => {
  it('is counted by the span of the answer, not by the clock of the tablet', () => {
    expect(leftMs(HELD, at(2000))).toBe(20_000)
    expect(secondsLeft(HELD, at(9500))).toBe(13)
    expect(secondsLeft(HELD, at(60_000))).toBe(0)
    expect(serverNow(HELD, at(9500))).toBe(1_007_500)
  })

  it('is over by when it was asked for: a slow answer makes no code older than the judge takes', () => {
    expect(isVoid(HELD, at(49_999))).toBe(false)
    expect(isVoid(HELD, at(50_000))).toBe(true)
  })

  it('does not come back from sleep, when one clock stood still, or when the other was set back', () => {
    expect(isVoid(HELD, { monotonic: 3000, wall: 400_000 })).toBe(true)
    expect(isVoid(HELD, { monotonic: 60_000, wall: -3_600_000 })).toBe(true)
  })
})

describe('the link of a display', () => {
  it('is the place and, after #, the secret', () => {
    const secret = 'a_-B'.repeat(10) + 'xyz'
    expect(linkOf('/display/lobby-1', `#${secret}`)).toEqual({ checkpoint: 'lobby-1', secret })
    for (const [path, hash] of [['/display/', `#${secret}`], ['/display/a/b', `#${secret}`], ['/display/lobby', ''], ['/display/lobby', `#${secret}!`], ['/s/lobby', `#${secret}`]] as const) {
      expect(linkOf(path, hash), path + hash).toBeNull()
    }
  })
})
