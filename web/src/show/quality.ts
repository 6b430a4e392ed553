/** How much a value may be trusted right now: the one word that decides how it is written. */

import type { Point } from '@/live/points'
import { isStale } from '@/live/points'
import { t } from '@/words'
import { clockTime, fullTime, span } from '@/words/time'

export type Trust = 'good' | 'uncertain' | 'bad' | 'stale' | 'manual' | 'none'

export function trust(point: Point, now: number): Trust {
  if (point.atMs === null) return 'none'
  if (point.quality === 'bad') return 'bad'
  if (point.source === 'manual') return 'manual'
  if (isStale(point, now)) return 'stale'
  return point.quality === 'uncertain' ? 'uncertain' : 'good'
}

/** What stands in the age slot: the age while all is well, else the reason. */
export function ageText(point: Point, now: number): string {
  const state = trust(point, now)
  if (point.atMs === null) return t('age.never')
  const silence = span(now - point.atMs)
  if (state === 'bad') return t('age.bad', { span: silence })
  if (state === 'manual') return t('age.manual', { time: clockTime(point.atMs, false) })
  if (state === 'stale') return t('age.stale', { span: silence })
  if (state === 'uncertain') return t('age.uncertain', { span: silence })
  return t('age.good', { span: silence })
}

/** The whole story, for the tooltip. */
export function ageTitle(point: Point): string {
  return point.atMs === null ? t('age.never') : fullTime(point.atMs)
}
