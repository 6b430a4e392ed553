/** A round of a few points for one person, once and from now: to try a phone with, whatever hour it is. */

import { act, get, idempotencyKey } from '@/api/client'
import type { Checkpoint } from '@/api/types'
import { both } from '@/words'
import { clockTime, isoDay } from '@/words/time'

const POINTS = 3
const HOUR_S = 3600

/** An id for one trial: sending it again makes no second one. */
export const newTrial = (): string => `trial-${idempotencyKey().slice(0, 12)}`

/** Throws Problem. */
export async function arrange(id: string, person: string, now: number): Promise<void> {
  const places = (await get<{ items: Checkpoint[] }>('/checkpoints')).items.filter((place) => !place.rotating)
  const starts = clockTime(now, false)
  await act('/round-plans', {
    id,
    title: await both('phones.trialTitle'),
    kind: 'patrol',
    points: places.slice(0, POINTS).map((place) => ({ checkpoint: place.id, least_walk_s: 0 })),
    order: 'free',
    rrule: 'FREQ=DAILY;COUNT=1',
    starts_at: starts,
    duration_s: HOUR_S,
    valid_from: isoDay(now),
    person,
  })
}
