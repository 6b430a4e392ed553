/** The round being walked on this phone. */

import { computed, ref } from 'vue'
import { current, done, nextStop, stops } from './progress'
import { ended, me, now, scans, today } from './state'
import type { Checkpoint, Words } from './types'

export const chosen = ref<string | null>(null)
export const round = computed(() => (today.value ? current(today.value.rounds, ended.value, chosen.value, me()?.id) : null))
export const walk = computed(() => (round.value ? stops(round.value, scans.value, now.value) : []))
export const next = computed(() => (round.value ? nextStop(round.value, walk.value) : null))
export const doneCount = computed(() => walk.value.filter(done).length)
export const draft = computed(() => scans.value.find((row) => row.state === 'draft') ?? null)

export const placeOf = (id: string | null | undefined): Checkpoint | null => (id ? (today.value?.checkpoints[id] ?? null) : null)

/** The machine that stands at a checkpoint. */
export function assetAt(checkpoint: string): { id: string; title: Words } | null {
  const now = placeOf(checkpoint)?.asset_now
  return now ? { id: now.id, title: now.title } : null
}
