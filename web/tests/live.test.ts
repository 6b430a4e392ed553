import { describe, expect, it } from 'vitest'
import type { Alarm, PointValue } from '@/api/types'
import { drawn, everyFor, summary } from '@/charts/trend'
import { floorsOf, schedule, storey } from '@/board/floors'
import { isStale, makePoint, refresh, take } from '@/live/points'
import { byCause, byUrgency, folded } from '@/live/ranking'
import { firstLanguage } from '@/words'

const words = { zh: '压力', en: 'pressure' }
const value = (at: number | null, number: number): PointValue => ({
  id: 1, key: 'p_out', title: words, type: 'number', unit: 'MPa', decimals: 3, codes: null, value: number, text: null, quality: 'good',
  stale: false, at_ms: at, received_ms: at, limits: [], source: 'live', shown_on_card: true,
})
const alarm = (id: string, more: Partial<Alarm>): Alarm => ({
  id, asset: id, asset_title: words, rule: 'r', title: words, priority: 'medium', fault: 'f', fault_title: words, state: 'unacknowledged',
  active: true, since_ms: 0, raised_ms: 0, cleared_ms: null, latched: false, acknowledged_ms: null, acknowledged_by: null, comment: null,
  work_order: null, evidence: [], cause: null, consequence: null, action: null, ...more,
})

describe('a point', () => {
  it('keeps the newer of what the snapshot and the stream say', () => {
    const point = makePoint(value(1000, 0.4), 15_000)

    take(point, [1, 3000, 0.5, 0], false)
    refresh(point, value(2000, 0.1))
    take(point, [1, 2500, 0.2, 2], false)

    expect([point.value, point.atMs, point.quality]).toEqual([0.5, 3000, 'good'])
  })

  it('takes an older value when the stream replaces everything', () => {
    const point = makePoint(value(5000, 0.4), 15_000)

    take(point, [1, 4000, null, 2], true)

    expect([point.value, point.quality]).toEqual([null, 'bad'])
  })

  it('is stale after its own time and before it ever spoke', () => {
    expect(isStale({ atMs: 1000, staleAfterMs: 15_000 }, 16_000)).toBe(false)
    expect(isStale({ atMs: 1000, staleAfterMs: 15_000 }, 16_001)).toBe(true)
    expect(isStale({ atMs: null, staleAfterMs: 15_000 }, 0)).toBe(true)
  })
})

describe('the alarm list', () => {
  it('puts priority first, then who is unacknowledged, then the oldest', () => {
    const list = [
      alarm('late', { since_ms: 5 }), alarm('seen', { state: 'acknowledged', since_ms: 1 }), alarm('early', { since_ms: 2 }),
      alarm('worst', { priority: 'critical', state: 'acknowledged', since_ms: 9 }),
    ]

    expect([...list].sort(byUrgency).map((one) => one.id)).toEqual(['worst', 'early', 'late', 'seen'])
  })

  it('shows one line for alarms of one order and one line for a storm, and hides no other', () => {
    const storm = ['a', 'b', 'c', 'd', 'e'].map((id, i) => alarm(id, { fault: 'no_data', raised_ms: i * 1000 }))
    const alone = alarm('alone', { fault: 'no_data', raised_ms: 900_000 })
    const pair = [alarm('x', { work_order: 'WO-1', fault: 'g' }), alarm('y', { work_order: 'WO-1', fault: 'g' })]

    const lines = folded(byCause([...storm, alone, ...pair]))

    expect(lines.map((line) => [line.root.id, line.others.length])).toEqual([['a', 4], ['alone', 0], ['x', 1]])
  })

  it('does not fold three of a kind', () => {
    expect(folded(byCause(['a', 'b', 'c'].map((id) => alarm(id, {}))))).toHaveLength(3)
  })
})

describe('a trend', () => {
  it('shows holes as holes and bad readings as nothing', () => {
    const t = [0, 1000, 2000, 60_000, 61_000, 62_000]
    const series = { point: 1, key: 'k', unit: '', every_ms: null, truncated: false, buckets: null, raw: { t, v: [1, 2, 3, 4, 5, 6], q: [0, 0, 0, 0, 2, 1] } }

    const [, means] = drawn(series)

    expect(means).toEqual([1, 2, 3, null, 4, null, 6])
    expect(summary(drawn(series))).toEqual({ min: 1, max: 6, mean: 3.2 })
  })

  it('asks for about a thousand points whatever the span', () => {
    expect(everyFor(1_800_000)).toBeNull()
    for (const span of [3_600_000, 86_400_000, 604_800_000]) expect(span / (everyFor(span) ?? 0)).toBeLessThanOrEqual(1010)
  })
})

describe('floors', () => {
  it('has no floor 0', () => {
    expect(floorsOf({ attributes: { lowest: -2, floors: 4 } })).toEqual([-2, -1, 1, 2])
    expect([-2, -1, 1, 2].map((floor) => storey(floor, [-2, -1, 1, 2]))).toEqual([-2, -1, 0, 1])
  })

  it('splits a night at midnight', () => {
    expect(schedule('18:00-06:30')).toEqual([{ from: 0, to: 6.5 }, { from: 18, to: 24 }])
    expect(schedule('00:00-24:00')).toEqual([{ from: 0, to: 24 }])
    expect(schedule('dusk')).toEqual([])
  })
})

describe('the first language', () => {
  it('is what was chosen, else what the browser asks for, else Chinese', () => {
    expect(firstLanguage('en', ['zh-CN'])).toBe('en')
    expect(firstLanguage(null, ['en-GB', 'zh'])).toBe('en')
    expect(firstLanguage(null, ['zh-TW', 'en'])).toBe('zh')
    expect(firstLanguage('xx', ['fr'])).toBe('zh')
  })
})
