/** Who comes first: by priority, then unacknowledged, then oldest. Pure. */

import type { Alarm, OrderState, Priority, WorkOrder } from '@/api/types'

export const PRIORITIES: readonly Priority[] = ['critical', 'high', 'medium', 'low']
export const UNFINISHED: readonly OrderState[] = ['open', 'assigned', 'in_progress', 'on_hold', 'completed']

export function rank(priority: Priority): number {
  return PRIORITIES.indexOf(priority)
}

export function isUnacknowledged(alarm: Pick<Alarm, 'state'>): boolean {
  return alarm.state === 'unacknowledged' || alarm.state === 'cleared_unacknowledged'
}

/** Does it still call for somebody? A cleared but unacknowledged alarm does. */
export function isOpen(alarm: Pick<Alarm, 'state'>): boolean {
  return alarm.state !== 'normal'
}

export function isUnfinished(order: Pick<WorkOrder, 'state'>): boolean {
  return UNFINISHED.includes(order.state)
}

export function byUrgency(a: Alarm, b: Alarm): number {
  const unseen = Number(isUnacknowledged(b)) - Number(isUnacknowledged(a))
  // Unacknowledged P1 first, always; below that priority counts before who has seen it.
  return rank(a.priority) - rank(b.priority) || unseen || a.since_ms - b.since_ms
}

/** Orders with a due time first, the most overdue on top. */
export function byDue(a: WorkOrder, b: WorkOrder): number {
  return (a.due_ms ?? Infinity) - (b.due_ms ?? Infinity) || rank(a.priority) - rank(b.priority) || a.opened_ms - b.opened_ms
}

export interface Group {
  root: Alarm
  others: Alarm[]
}

/** One cause, one line: alarms that share a work order stand behind the most urgent of them. */
export function byCause(sorted: readonly Alarm[]): Group[] {
  const groups = new Map<string, Group>()
  for (const alarm of sorted) {
    const key = alarm.work_order ?? alarm.id
    const group = groups.get(key)
    if (group) group.others.push(alarm)
    else groups.set(key, { root: alarm, others: [] })
  }
  return [...groups.values()]
}

/** This many alarms of one fault and priority, raised this close together, are one event with one line. */
const STORM_SIZE = 4
const STORM_MS = 120_000

/** Folds storms: the most urgent line stays, the rest stands behind it. Order is kept. */
export function folded(groups: readonly Group[]): Group[] {
  const storms = new Map<string, Group[]>()
  for (const group of groups) {
    const key = `${group.root.fault}|${group.root.priority}|${group.root.state}`
    const near = storms.get(key)?.filter((one) => Math.abs(one.root.raised_ms - group.root.raised_ms) <= STORM_MS)
    if (near && near.length > 0) storms.get(key)?.push(group)
    else if (!storms.has(key)) storms.set(key, [group])
  }
  const hidden = new Set<Group>()
  const heads = new Map<Group, Group>()
  for (const storm of storms.values()) {
    const [head, ...rest] = storm
    if (!head || storm.length < STORM_SIZE) continue
    for (const group of rest) hidden.add(group)
    heads.set(head, { root: head.root, others: [...head.others, ...rest.flatMap((group) => [group.root, ...group.others])] })
  }
  return groups.filter((group) => !hidden.has(group)).map((group) => heads.get(group) ?? group)
}

/** The worst priority of some alarms, null for none. */
export function worst(alarms: Iterable<Alarm>): Priority | null {
  let found: Priority | null = null
  for (const alarm of alarms) if (found === null || rank(alarm.priority) < rank(found)) found = alarm.priority
  return found
}
