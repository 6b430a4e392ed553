/** The figures of a plan or a person, and how each is said. */

import type { StatisticsRow } from '@/api/types'
import { t } from '@/words'
import { span } from '@/words/time'

export const PLAN_FIGURES = ['rounds', 'finished', 'incomplete', 'missed', 'punctual', 'missedStops', 'partly', 'marked', 'manual', 'findings', 'pace', 'score'] as const
export const PERSON_FIGURES = ['rounds', 'finished', 'incomplete', 'punctual', 'missedStops', 'partly', 'scans', 'marked', 'manual', 'findings', 'pace'] as const
export type Figure = (typeof PLAN_FIGURES)[number] | (typeof PERSON_FIGURES)[number]

const SHARES: readonly Figure[] = ['finished', 'incomplete', 'missed', 'punctual']

function share(part: number, whole: number): number | null {
  return whole ? Math.round((1000 * part) / whole) / 10 : null
}

/** Rounds that are over: one under way is neither finished nor missed. */
export function overOf(rounds: Record<string, number>): number {
  return (rounds.finished ?? 0) + (rounds.incomplete ?? 0) + (rounds.missed ?? 0)
}

export function figuresOf(row: StatisticsRow): Record<Figure, number | null> {
  const over = overOf(row.rounds)
  return {
    rounds: Object.values(row.rounds).reduce((all, n) => all + n, 0),
    finished: share(row.rounds.finished ?? 0, over),
    incomplete: share(row.rounds.incomplete ?? 0, over),
    missed: share(row.rounds.missed ?? 0, over),
    punctual: row.punctual === null ? null : Math.round(1000 * row.punctual) / 10,
    missedStops: row.visits.missed ?? 0,
    partly: row.partly,
    scans: row.scans,
    marked: row.marked,
    manual: row.manual,
    findings: row.findings,
    pace: row.pace_s,
    score: row.score,
  }
}

export function figureText(figure: Figure, value: number | null): string {
  if (value === null) return ''
  if (SHARES.includes(figure)) return t('statistics.percent', { n: value })
  if (figure === 'pace') return span(value * 1000)
  return String(value)
}
