/** Readings of some points of one asset over a span, asked again while the span ends at the present. */

import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { get } from '@/api/client'
import { asProblem, type Problem } from '@/api/problem'
import type { Series, SeriesAnswer } from '@/api/types'
import { clock } from '@/live/clock'
import { everyFor } from './trend'

const AGAIN_MS = 5_000

export interface Span { lengthMs: number; /** null: the span ends now and moves on. */ toMs: number | null }

export function useTrends(asset: () => string, keys: () => string[], span: () => Span) {
  const series = shallowRef<Record<string, Series>>({})
  const fromMs = ref(0)
  const toMs = ref(0)
  const problem = shallowRef<Problem | null>(null)
  let running: AbortController | null = null

  async function load(): Promise<void> {
    running?.abort()
    const mine = new AbortController()
    running = mine
    const { lengthMs, toMs: end } = span()
    const to = Math.floor(end ?? clock.read())
    const from = to - lengthMs
    if (keys().length === 0) return
    try {
      const path = `/assets/${encodeURIComponent(asset())}/readings`
      const query = { points: keys().join(','), from_ms: from, to_ms: to, every_ms: everyFor(lengthMs) }
      const answer = await get<SeriesAnswer>(path, query, mine.signal)
      series.value = answer.series
      fromMs.value = from
      toMs.value = to
      problem.value = null
    } catch (error) {
      if (mine.signal.aborted) return
      problem.value = asProblem(error)
    }
  }

  watch([() => keys().join(','), () => span().lengthMs, () => span().toMs, asset], () => void load(), { immediate: true })
  const timer = setInterval(() => {
    if (!document.hidden && (span().toMs ?? Infinity) > clock.read() - AGAIN_MS) void load()
  }, AGAIN_MS)
  onScopeDispose(() => {
    clearInterval(timer)
    running?.abort()
  })
  return { series, fromMs, toMs, problem, load }
}
