/** Today's rounds and the scans that wait for a decision; asked for again when the stream tells of a change. */

import { onMounted, onUnmounted, ref, shallowRef, watch } from 'vue'
import { get } from '@/api/client'
import { asProblem, type Problem } from '@/api/problem'
import type { Checkpoint, Finding, FindingList, Round, RoundList, Scan, ScanList } from '@/api/types'
import { useEstate } from '@/live/estate'

/** Many scans come together when a phone is back online: one look after the last of them, but no later than this. */
const SETTLE_MS = 400
const AT_LATEST_MS = 2000
/** So many findings are of today's interest; the rest is in the orders. */
const FINDINGS = 12
/** Rounds also change by time passing. */
const EVERY_MS = 60_000

export function useDay() {
  const estate = useEstate()
  const rounds = shallowRef<Round[]>([])
  const marked = shallowRef<Scan[]>([])
  const findings = shallowRef<Finding[]>([])
  const places = shallowRef<Map<string, Checkpoint>>(new Map())
  const problem = shallowRef<Problem | null>(null)
  const loaded = ref(false)
  let asked = 0
  let since = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let regular: ReturnType<typeof setInterval> | undefined

  async function load(): Promise<void> {
    const mine = (asked += 1)
    since = 0
    clearTimeout(timer)
    try {
      const [day, doubtful, found, points] = await Promise.all([
        get<RoundList>('/rounds'),
        get<ScanList>('/scans', { suspicious: true, undecided: true, limit: 100 }),
        get<FindingList>('/findings', { limit: FINDINGS }),
        places.value.size ? null : get<{ items: Checkpoint[] }>('/checkpoints'),
      ])
      if (mine !== asked) return // a later look was begun meanwhile
      rounds.value = day.items
      if (points) places.value = new Map(points.items.map((point) => [point.id, point]))
      marked.value = doubtful.items
      findings.value = found.items
      problem.value = null
      loaded.value = true
    } catch (error) {
      problem.value = asProblem(error)
    }
  }

  function soon(): void {
    since = since || Date.now()
    clearTimeout(timer)
    timer = setTimeout(() => void load(), Math.max(0, Math.min(SETTLE_MS, since + AT_LATEST_MS - Date.now())))
  }

  watch(() => estate.latestNotice, soon)
  onMounted(() => {
    void load()
    regular = setInterval(soon, EVERY_MS)
  })
  onUnmounted(() => {
    clearTimeout(timer)
    clearInterval(regular)
  })

  return { rounds, marked, findings, places, problem, loaded, load }
}
