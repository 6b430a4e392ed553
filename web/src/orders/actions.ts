/** What may be done to an order by this person, and what must be said with it. Mirrors the server, which decides. */

import type { OrderAction, Right, WorkOrder } from '@/api/types'

const RIGHT: Record<OrderAction, Right> = {
  assign: 'dispatch', start: 'work', hold: 'work', resume: 'work', complete: 'work', reopen: 'close', close: 'close', cancel: 'dispatch',
}
const NEEDS_REASON: readonly OrderAction[] = ['hold', 'cancel', 'reopen']
/** The one action that moves the order forward, by state. */
const NEXT: Partial<Record<WorkOrder['state'], OrderAction[]>> = {
  open: ['assign', 'start'], assigned: ['start'], in_progress: ['complete'], on_hold: ['resume'], completed: ['close'],
}

export function actionsFor(order: WorkOrder, may: (right: Right) => boolean): OrderAction[] {
  return order.allowed_actions.filter((action) => may(RIGHT[action]))
}

export function nextAction(order: WorkOrder, actions: readonly OrderAction[]): OrderAction | null {
  return NEXT[order.state]?.find((action) => actions.includes(action)) ?? null
}

export function needsReason(action: OrderAction): boolean {
  return NEEDS_REASON.includes(action)
}
