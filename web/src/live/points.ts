/** One signal as the page holds it: what it is never changes, what it says changes in place. */

import { shallowReactive } from 'vue'
import type { Kind, LimitMark, PointValue, Quality, ValueTuple, ValueType, Words } from '@/api/types'

export interface Point {
  readonly id: number
  readonly key: string
  readonly title: Words
  readonly type: ValueType
  readonly unit: string
  readonly decimals: number
  readonly codes: Record<string, Words>
  readonly limits: LimitMark[]
  /** Without news for this long the value is stale, ms. */
  readonly staleAfterMs: number
  value: number | null
  text: string | null
  quality: Quality
  source: PointValue['source']
  atMs: number | null
}

const QUALITIES = ['good', 'uncertain', 'bad'] as const satisfies readonly Quality[]
/** Used when the kind does not say how often a point comes. */
const STALE_AFTER_MS = 30_000

export function staleAfter(kind: Kind | undefined, key: string): number {
  const spec = kind?.points.find((point) => point.key === key)
  if (spec?.stale_after_s) return spec.stale_after_s * 1000
  if (spec?.every_s) return Math.max(10_000, spec.every_s * 3000)
  return STALE_AFTER_MS
}

export function makePoint(from: PointValue, staleAfterMs: number): Point {
  return shallowReactive({
    id: from.id,
    key: from.key,
    title: from.title,
    type: from.type,
    unit: from.unit,
    decimals: from.decimals,
    codes: from.codes ?? {},
    limits: from.limits ?? [],
    staleAfterMs,
    value: from.value,
    text: from.text,
    quality: from.quality,
    source: from.source,
    atMs: from.at_ms,
  })
}

/** Take a REST answer unless the stream was already ahead of it. */
export function refresh(point: Point, from: PointValue): void {
  if (from.at_ms === null || (point.atMs !== null && from.at_ms < point.atMs)) return
  point.value = from.value
  point.text = from.text
  point.quality = from.quality
  point.source = from.source
  point.atMs = from.at_ms
}

/** Take what the stream says; an older time than we show is ignored unless it replaces everything. */
export function take(point: Point, [, atMs, value, quality, text]: ValueTuple, full: boolean): void {
  if (!full && point.atMs !== null && atMs < point.atMs) return
  point.value = value
  point.text = text ?? null
  point.quality = QUALITIES[quality]
  point.source = 'live'
  point.atMs = atMs
}

export function isStale(point: Pick<Point, 'atMs' | 'staleAfterMs'>, now: number): boolean {
  return point.atMs === null || now - point.atMs > point.staleAfterMs
}
