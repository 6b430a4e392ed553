/** A round as this phone sees it: what the server knows and what is still in line here. Pure. */

import type { ScanRow } from './store/db'
import type { Answer, Check, Round, Visit, VisitState } from './types'

export type StopState = VisitState | 'here'
export interface Stop { visit: Visit; state: StopState; at_ms: number | null; row: ScanRow | null; late: boolean }

const DONE = new Set<StopState>(['on_time', 'early', 'late', 'out_of_order', 'here'])
export const done = (stop: Stop): boolean => DONE.has(stop.state)

/** Stops in the round's order. A scan on this phone counts at once; `here`: done, the server has not judged it yet. */
export function stops(round: Round, rows: readonly ScanRow[], now: number): Stop[] {
  const left = rows.filter((row) => row.scan.round === round.id && row.state !== 'parked').sort((a, b) => a.made_ms - b.made_ms)
  return [...round.visits].sort((a, b) => a.sequence - b.sequence).map((visit) => {
    const at = left.findIndex((row) => (visit.scan ? row.id === visit.scan : row.scan.checkpoint === visit.checkpoint))
    const row = at >= 0 ? (left.splice(at, 1)[0] ?? null) : null
    const judged = row?.answer?.visit?.state
    const state: StopState = judged ?? (row && (visit.state === 'due' || visit.state === 'missed') ? 'here' : visit.state)
    const waits = state === 'due' || state === 'missed'
    const limit = visit.closes_ms + round.tolerance_s * 1000
    const late = waits ? now > limit : state === 'late' || (state === 'here' && (row?.made_ms ?? 0) > limit)
    return { visit, state, at_ms: row?.made_ms ?? null, row, late }
  })
}

/** Where to go next: in order where the plan gives one, else what closes first. */
export function nextStop(round: Round, all: readonly Stop[]): Stop | null {
  const left = all.filter((stop) => !done(stop))
  if (round.order !== 'free') return left[0] ?? null
  return left.reduce<Stop | null>((best, stop) => (best && best.visit.closes_ms <= stop.visit.closes_ms ? best : stop), null)
}

const OVER = new Set(['finished', 'incomplete', 'missed', 'cancelled'])

/** The round to walk now: one's own before the team's, one under way before one that comes; never one ended here. */
export function current(rounds: readonly Round[], ended: Record<string, number>, chosen: string | null, me: string | null = null): Round | null {
  const open = rounds.filter((round) => !OVER.has(round.state) && !(round.id in ended)).sort((a, b) => a.starts_ms - b.starts_ms)
  const rank = (round: Round): number => (round.person !== null && round.person === me ? 0 : 2) + (round.state === 'in_progress' ? 0 : 1)
  return open.find((round) => round.id === chosen) ?? open.reduce<Round | null>((best, round) => (best && rank(best) <= rank(round) ? best : round), null)
}

/** Must it be answered? Remarks need not be. */
export const isRequired = (check: Check): boolean => check.required ?? check.type !== 'text'

export const answered = (answer: Answer | undefined): boolean =>
  answer !== undefined && (answer.result !== 'cannot' || (answer.reason ?? '').trim() !== '')

/** Outside its limits a number is not ok, whatever was ticked. */
export function resultOf(check: Check, value: number): 'ok' | 'not_ok' {
  return check.limits && (value < check.limits[0] || value > check.limits[1]) ? 'not_ok' : 'ok'
}

/** A number as typed: digits with one point or comma; null for anything else.
 *
 * Four decimals and twelve digits at most: within them every language writes a number the same way, and signatures are over
 * text.
 */
export function readNumber(text: string): number | null {
  const bare = text.trim().replace(',', '.').replace('−', '-').replace('－', '-').replace('。', '.')
  if (!/^-?(\d{1,12}(\.\d*)?|\.\d+)$/.test(bare)) return null
  return Math.round(Number(bare) * 1e4) / 1e4
}
