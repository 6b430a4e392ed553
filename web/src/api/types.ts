/** The shapes of /api/v1, written by hand from the HTTP contract. Times are milliseconds UTC. */

export type Language = 'zh' | 'en'
/** One sentence in both languages. */
export interface Words { zh: string; en: string }

export type Priority = 'critical' | 'high' | 'medium' | 'low'
export type Quality = 'good' | 'uncertain' | 'bad'
export type ValueType = 'number' | 'bool' | 'enum' | 'text'

export interface Person { id: string; name: string; role: string }
export type Right = 'watch' | 'acknowledge' | 'work' | 'dispatch' | 'close' | 'administer' | 'send'

export interface Session {
  person: Person & { rights: Right[] }
  site: { id: string; title: Words; zone: string }
  demo: boolean
  version: string
}

export interface Space {
  id: string
  type: 'building' | 'floor' | 'room' | 'outdoor'
  title: Words
  parent: string | null
  level: number
}

export interface Site { id: string; title: Words; zone: string; spaces: Space[] }

export interface LimitMark { rule: string; below?: number | null; above?: number | null; priority: Priority }

export interface PointValue {
  id: number
  /** The word of the point in its kind, e.g. `p_out`. */
  key: string
  title: Words
  type: ValueType
  unit: string
  decimals: number
  codes?: Record<string, Words> | null
  value: number | null
  text: string | null
  quality: Quality
  stale: boolean
  at_ms: number | null
  received_ms: number | null
  limits: LimitMark[]
  source: 'live' | 'manual' | 'historical'
  /** One of the few that stand on the asset's card. */
  shown_on_card: boolean
}

export type AssetStatus = 'running' | 'idle' | 'offline' | 'unknown'
export interface AlarmCounts { critical: number; high: number; medium: number; low: number; unacknowledged: number }

export interface Asset {
  id: string
  kind: string
  title: Words
  space: string
  building: string | null
  floor: string | null
  criticality: string
  attributes: Record<string, unknown>
  status: AssetStatus
  newest_ms: number | null
  key_points: PointValue[]
  alarms: AlarmCounts
  worst: Priority | null
  open_orders: number
}

export interface Device {
  id: string
  protocol: 'mqtt' | 'modbus'
  address: string
  status: string
  last_error: string | null
}

export interface AssetDetail extends Asset { points: PointValue[]; devices: Device[] }

/** A point as its kind describes it. */
export interface PointSpec {
  key: string
  title: Words
  type: ValueType
  unit: string
  decimals: number
  every_s: number
  stale_after_s: number
  codes: Record<string, Words>
  shown_on_card: boolean
}

export interface RuleSpec { id: string; title: Words; kind: string; terms: { point: string; op: string; value: number }[] }

export interface Kind { id: string; title: Words; points: PointSpec[]; rules: RuleSpec[] }

/** Raw readings as columns; q is 0 good, 1 uncertain, 2 bad. */
export interface RawColumns { t: number[]; v: (number | null)[]; q: number[] }
/** Down-sampled readings; t is the start of each bucket. Buckets without a reading are missing. */
export interface BucketColumns { t: number[]; mean: number[]; min: number[]; max: number[]; count: number[] }
export interface Series {
  point: number
  key: string
  unit: string
  every_ms: number | null
  truncated: boolean
  raw: RawColumns | null
  buckets: BucketColumns | null
}
export interface SeriesAnswer { series: Record<string, Series> }

export type AlarmState = 'unacknowledged' | 'acknowledged' | 'cleared_unacknowledged' | 'normal'

export interface Evidence {
  point: number
  key: string
  title: Words
  unit: string
  at_ms: number
  value: number | null
  quality: number
  limit: number | null
}

export interface Alarm {
  id: string
  asset: string
  asset_title: Words
  rule: string
  title: Words
  priority: Priority
  fault: string
  fault_title: Words
  state: AlarmState
  active: boolean
  since_ms: number
  raised_ms: number
  cleared_ms: number | null
  latched: boolean
  acknowledged_ms: number | null
  acknowledged_by: string | null
  comment: string | null
  work_order: string | null
  evidence: Evidence[]
  cause: Words | null
  consequence: Words | null
  action: Words | null
}
export interface AlarmList { items: Alarm[]; counts: AlarmCounts }

export type OrderState = 'open' | 'assigned' | 'in_progress' | 'on_hold' | 'completed' | 'closed' | 'cancelled'
export type OrderAction = 'assign' | 'start' | 'hold' | 'resume' | 'complete' | 'reopen' | 'close' | 'cancel'

/** Why an order cannot close yet. */
export interface CloseReason {
  code: string
  text: Words
  alarm: string
  point: number | null
  value: number | null
  limit: number | null
  unit: string | null
}

export interface WorkOrder {
  id: string
  asset: string
  asset_title: Words
  fault: string
  title: Words
  priority: Priority
  state: OrderState
  detected_by: string
  opened_ms: number
  due_ms: number | null
  overdue: boolean
  assignee: string | null
  started_ms: number | null
  completed_ms: number | null
  closed_ms: number | null
  closed_by: string | null
  alarms: Alarm[]
  allowed_actions: OrderAction[]
  verification: { can_close: boolean; reasons: CloseReason[] }
}
export interface OrderList { items: WorkOrder[]; counts: Partial<Record<OrderState, number>> }

export interface HistoryEntry {
  id: number
  at_ms: number
  actor: string
  action: string
  comment: string | null
  facts: Record<string, unknown>
}

export interface PartHealth { status: 'ok' | 'degraded' | 'down'; age_ms: number | null; reason: string | null; facts: Record<string, unknown> }
export interface Health {
  status: 'ok' | 'degraded' | 'down'
  now_ms: number
  version: string
  demo: boolean
  parts: Record<string, PartHealth>
}

export interface QuarantineList {
  items: { at_ms: number; source: string; reason: string; detail: string; excerpt: string }[]
  counters: Record<string, number>
}

/** [point id, at_ms, value, quality 0|1|2, text] */
export type ValueTuple = [number, number, number | null, 0 | 1 | 2, (string | null)?]
export interface ValuesEvent { now_ms: number; points: ValueTuple[]; full?: boolean }
export interface HelloEvent { now_ms: number; cursor: number | string }
export interface AlarmEvent { type: string; alarm: Alarm }
export interface OrderEvent { type: string; work_order: WorkOrder }
