/** What a round looks like from the desk: its stops as dots, its place among the rounds of the day. */

import type { Round, Visit } from '@/api/types'

export type Dot = 'done' | 'late' | 'partly' | 'missed' | 'next' | 'due'

/** Done stops keep whether they were late or left checks open; the first open stop of a round under way is the next one. */
export function dots(round: Round): Dot[] {
  const next = round.state === 'in_progress' ? nextStop(round) : undefined
  return round.visits.map((visit) => dot(visit, visit === next))
}

function dot(visit: Visit, next: boolean): Dot {
  if (visit.state === 'missed') return 'missed'
  if (visit.state === 'due') return next ? 'next' : 'due'
  if (visit.state === 'late') return 'late'
  return visit.partly ? 'partly' : 'done'
}

export function nextStop(round: Round): Visit | undefined {
  return round.visits.find((visit) => visit.state === 'due')
}

export function countOf(round: Round, state: Visit['state']): number {
  return round.visits.filter((visit) => visit.state === state).length
}

export function isOver(round: Round): boolean {
  return round.state !== 'in_progress' && round.state !== 'scheduled'
}

/** Running rounds first, then those that should have begun, both by deadline, then what comes by its start. */
export function byPressure(now: number): (a: Round, b: Round) => number {
  const rank = (round: Round): number => (round.state === 'in_progress' ? 0 : round.starts_ms <= now ? 1 : 2)
  return (a, b) => rank(a) - rank(b) || (rank(a) === 2 ? a.starts_ms - b.starts_ms : a.deadline_ms - b.deadline_ms) || a.id.localeCompare(b.id)
}

/** Newest end first. */
export function byEnd(a: Round, b: Round): number {
  return (b.closed_ms ?? b.ends_ms) - (a.closed_ms ?? a.ends_ms) || a.id.localeCompare(b.id)
}
