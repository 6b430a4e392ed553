/** A plan while it is being edited, and what is sent of it. */

import type { Problem } from '@/api/problem'
import type { Plan, PlanHolidays, PlanKind, PlanOrder } from '@/api/types'
import { fromRule, type Picked, toRule } from './recurrence'

/** Numbers are what the fields show: minutes and seconds; empty is "not given". */
export interface DraftPoint { key: number; checkpoint: string; walk: number | ''; dwell: number | ''; opens: number | ''; closes: number | '' }
export interface Draft {
  zh: string
  en: string
  kind: PlanKind
  order: PlanOrder
  picked: Picked
  holidays: PlanHolidays
  minutes: number | ''
  tolerance: number | ''
  from: string
  until: string
  who: 'anybody' | 'team' | 'person'
  team: string
  person: string
  scored: boolean
  points: DraftPoint[]
}

let keys = 0

export function pointOf(checkpoint: string): DraftPoint {
  return { key: ++keys, checkpoint, walk: '', dwell: '', opens: '', closes: '' }
}

export function fresh(today: string): Draft {
  return {
    zh: '', en: '', kind: 'patrol', order: 'free',
    picked: { manner: 'daily', days: [], monthDays: [], times: ['08:00'], rule: 'FREQ=DAILY' },
    holidays: 'run', minutes: 60, tolerance: 5, from: today, until: '', who: 'anybody', team: '', person: '', scored: false, points: [],
  }
}

const minutes = (s: number | null): number | '' => (s === null ? '' : s / 60)

export function draftOf(plan: Plan): Draft {
  return {
    zh: plan.title.zh, en: plan.title.en, kind: plan.kind, order: plan.order,
    picked: fromRule(plan), holidays: plan.holidays, minutes: plan.duration_s / 60, tolerance: plan.tolerance_s / 60,
    from: plan.valid_from, until: plan.valid_until ?? '',
    who: plan.person ? 'person' : plan.team ? 'team' : 'anybody', team: plan.team ?? '', person: plan.person ?? '', scored: plan.scored,
    points: plan.points.map((point) => ({
      key: ++keys, checkpoint: point.checkpoint, walk: point.least_walk_s ?? '', dwell: point.least_dwell_s || '',
      opens: minutes(point.opens_s), closes: minutes(point.closes_s),
    })),
  }
}

const given = (value: number | '', factor = 1): number | null => (value === '' ? null : value * factor)

/** When it begins: what the preview asks with, and part of what is kept. */
export function timingOf(draft: Draft): Record<string, unknown> {
  const rule = toRule(draft.picked, draft.holidays)
  return {
    rrule: rule.rrule, starts_at: rule.starts_at, holidays: rule.holidays, duration_s: given(draft.minutes, 60) ?? 0,
    valid_until: draft.until || null,
  }
}

export function bodyOf(draft: Draft): Record<string, unknown> {
  return {
    ...timingOf(draft),
    title: { zh: draft.zh.trim() || draft.en.trim(), en: draft.en.trim() || draft.zh.trim() },
    order: draft.order,
    tolerance_s: given(draft.tolerance, 60) ?? 0,
    team: draft.who === 'team' ? draft.team || null : null,
    person: draft.who === 'person' ? draft.person || null : null,
    scored: draft.scored,
    points: draft.points.map((point) => ({
      checkpoint: point.checkpoint, least_walk_s: given(point.walk), least_dwell_s: given(point.dwell) ?? 0,
      opens_s: given(point.opens, 60), closes_s: given(point.closes, 60),
    })),
  }
}

/** field -> what the server says about it; a field inside a list belongs to the list, and to its row. */
export function wrongFields(problem: Problem | null): Map<string, string> {
  const found = new Map<string, string>()
  const add = (field: string, said: string): void => {
    const [name = field, row] = field.split('.')
    found.set(name, said)
    if (row !== undefined && /^\d+$/.test(row)) found.set(`${name}.${row}`, said)
  }
  if (typeof problem?.facts.field === 'string') add(problem.facts.field, problem.detail)
  if (Array.isArray(problem?.facts.fields)) {
    for (const one of problem.facts.fields as { field: string; problem: string }[]) add(one.field, one.problem)
  }
  return found
}
