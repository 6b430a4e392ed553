/** Two local days, both included, kept in the address so that a view can be sent to somebody. */

import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { clock } from '@/live/clock'
import { isoDay } from '@/words/time'

export const SPANS = [7, 30, 90] as const
const DAY_MS = 86_400_000
const DAY = /^\d{4}-\d{2}-\d{2}$/

export function useRange(usual = 7) {
  const route = useRoute()
  const router = useRouter()

  function back(days: number): string {
    return isoDay(clock.read() - (days - 1) * DAY_MS)
  }

  const to = computed(() => (DAY.test(String(route.query.to)) ? String(route.query.to) : back(1)))
  const from = computed(() => (DAY.test(String(route.query.from)) ? String(route.query.from) : back(usual)))
  /** Which of the usual spans this is. */
  const span = computed(() => SPANS.find((days) => to.value === back(1) && from.value === back(days)) ?? null)
  const query = computed(() => ({ from: from.value, to: to.value }))

  function choose(days: number): void {
    void router.replace({ query: { ...route.query, from: back(days), to: back(1) } })
  }

  function set(name: 'from' | 'to', day: string): void {
    if (!DAY.test(day)) return
    const next = { ...query.value, [name]: day }
    if (next.from > next.to) next[name === 'from' ? 'to' : 'from'] = day
    void router.replace({ query: { ...route.query, ...next } })
  }

  return { from, to, span, query, choose, set }
}
