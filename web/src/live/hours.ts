/** The last hour of a point of every asset, in minutes: what the little lines on the board are drawn from. */

import { onScopeDispose, shallowReactive } from 'vue'
import { get } from '@/api/client'
import { Problem } from '@/api/problem'
import type { BucketColumns, SeriesAnswer } from '@/api/types'
import { clock } from './clock'

const HOUR_MS = 3_600_000
const EVERY_MS = 60_000

export interface Wish { asset: string; keys: string[] }

/** Columns by `asset/key`, refreshed each minute while the page that asked is open. */
export function useHours(wishes: () => Wish[]): { columns: Map<string, BucketColumns>; refresh: () => Promise<void> } {
  const columns = shallowReactive(new Map<string, BucketColumns>())
  let closed = false

  async function load(wish: Wish): Promise<void> {
    const to = Math.floor(clock.read())
    const path = `/assets/${encodeURIComponent(wish.asset)}/readings`
    try {
      const answer = await get<SeriesAnswer>(path, { points: wish.keys.join(','), from_ms: to - HOUR_MS, to_ms: to, every_ms: EVERY_MS })
      for (const [key, series] of Object.entries(answer.series)) {
        if (series.buckets) columns.set(`${wish.asset}/${key}`, series.buckets)
      }
    } catch (error) {
      // A missing little line hides nothing: the value beside it says its own age. The next minute tries again.
      if (!(error instanceof Problem)) throw error
    }
  }

  async function refresh(): Promise<void> {
    for (const wish of wishes()) {
      if (closed) return
      if (wish.keys.length > 0) await load(wish)
    }
  }

  const timer = setInterval(() => void refresh(), EVERY_MS)
  onScopeDispose(() => {
    closed = true
    clearInterval(timer)
  })
  return { columns, refresh }
}
