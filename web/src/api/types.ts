/** The shapes of /api/v1, written by hand from the HTTP contract. Times are milliseconds UTC. */

export type Language = 'zh' | 'en'
/** One sentence in both languages. */
export interface Words { zh: string; en: string }

export type Priority = 'critical' | 'high' | 'medium' | 'low'
export type Quality = 'good' | 'uncertain' | 'bad'
export type ValueType = 'number' | 'bool' | 'enum' | 'text'

export interface Person { id: string; name: string; role: string }
export type Right = 'watch' | 'acknowledge' | 'work' | 'dispatch' | 'close' | 'patrol' | 'plan' | 'decide' | 'audit' | 'administer' | 'send' | 'report'

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

// ---- the public door
export type Progress = 'waiting' | 'repairing' | 'paused' | 'repaired' | 'closed' | 'cancelled' | 'refused'
export interface Repair { title: Words; progress: Progress; due_ms: number | null }
export interface Sticker {
  site: Words
  zone: string
  title: Words
  way: Words[]
  asset: Words | null
  code: 'valid' | 'withdrawn' | 'expired'
  standing: Repair[]
  faults: { id: string; title: Words }[]
}
export interface Report {
  number: string
  fault_title: Words
  progress: Progress
  received_ms: number
  due_ms: number | null
  joined: boolean
  photo: 'none' | 'awaited' | 'kept'
  refused_reason: string | null
}

/** What somebody reported from a sticker, without signing in. */
export interface WorkRequest {
  id: string
  checkpoint: string
  title: Words
  space_title: Words
  asset: string | null
  asset_title: Words | null
  fault: string
  fault_title: Words
  description: string
  priority: Priority
  received_ms: number
  photo: string | null
  contact: { name: string; phone: string } | null
  work_order: string | null
  progress: Progress
  refused_ms: number | null
  refused_by: string | null
  refused_reason: string | null
}

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
/** What a round, a scan or a finding is told by: its facts alone, so that a page asks again. */
export interface NoticeEvent { type: string; at_ms: number; facts: Record<string, unknown> }

export type RoundState = 'scheduled' | 'in_progress' | 'finished' | 'incomplete' | 'missed' | 'cancelled'
export type VisitState = 'due' | 'on_time' | 'early' | 'late' | 'out_of_order' | 'missed'
export interface Visit {
  checkpoint: string
  title: Words
  sequence: number
  opens_ms: number
  closes_ms: number
  state: VisitState
  scan: string | null
  scanned_ms: number | null
  /** Scanned, but required checks are not answered. */
  partly: boolean
  walk_s: number
  least_dwell_s: number
}
/** One walk of a plan. After `deadline_ms` what is not done is missed. */
export interface Round {
  id: string
  plan: string
  plan_version: number
  title: Words
  kind: string
  order: string
  scored: boolean
  starts_ms: number
  ends_ms: number
  deadline_ms: number
  tolerance_s: number
  state: RoundState
  person: string | null
  person_name: string | null
  team: string | null
  on_duty: string[]
  opened_ms: number | null
  closed_ms: number | null
  ended_early: string | null
  /** The last sign of a walker who has not scanned in 1.5 times the expected time. */
  silent_since_ms: number | null
  done: number
  total: number
  score: Score | null
  visits: Visit[]
}
/** Of a scored round; `unseen` stops and `excluded` checks count neither way. */
export interface Score {
  percent: number | null
  points: number
  worth: number
  excluded: number
  unseen: number
  lost: { checkpoint: string; title: Words; check: string; ask: Words; lost: number; worth: number; why: 'not_ok' | 'graded' | 'unanswered'; value: number | string | boolean | null; unit: string }[]
}
export interface RoundList { items: Round[]; counts: Record<string, number> }

export interface Doubt { reason: string; text: Words; facts: Record<string, unknown> }
export interface Witness { point: string; at_ms: number; supports: boolean; what: string }
export interface Verdict { accepted: boolean; suspicious: boolean; confidence: number; at_ms: number; doubts: Doubt[]; witnesses: Witness[] }
export interface Decision { accepted: boolean; by: string; at_ms: number; comment: string }
export interface ScanAnswer { check: string; result: string; value: number | string | boolean | null; reason: string | null; photos: string[] }
/** A check answered not ok; `order_state`: how far its repair is. */
export interface Finding {
  id: string
  scan: string
  round: string | null
  checkpoint: string
  title: Words
  check: string
  ask: Words
  asset: string | null
  fault: string
  answer: ScanAnswer
  unit: string
  priority: Priority
  person: string
  person_name: string
  at_ms: number
  work_order: string | null
  order_state: OrderState | null
}
export interface FindingList { items: Finding[] }
export interface Scan {
  id: string
  round: string | null
  checkpoint: string | null
  title: Words | null
  person: string
  person_name: string
  phone: string
  token_type: string
  device_ms: number
  received_ms: number
  counter: number
  answers: ScanAnswer[]
  photos: string[]
  verdict: Verdict | null
  visit: number | null
  counts: boolean
  decision: Decision | null
}
export interface ScanList { items: Scan[] }

/** Metres on the site's plan, floor, WGS 84. */
export interface Place { x_m: number; y_m: number; level: number; lat: number | null; lon: number | null }
export interface Checkpoint {
  id: string
  title: Words
  space: string
  space_title: Words
  floor: string | null
  asset: string | null
  place: Place
  checks: { id: string; ask: Words }[]
  use_kind_checks: boolean
  /** Only for those who may plan. */
  short_code: string | null
  code_version: number
  rotating: boolean
  nfc: string | null
  witnesses: string[]
}
/** A sticker to print; `svg` is the QR code of `url`. */
export interface Label { checkpoint: string; title: Words; space_title: Words; floor: Words | null; short_code: string; code_version: number; url: string; svg: string }
/** What a display opens: its secret stands after #. */
export interface DisplayLink { url: string; secure_url: string | null; svg: string; reachable: boolean }
/** The code a display shows until `ends_ms`; at `void_ms` it must be blank. */
export interface DisplayCode {
  site: Words
  zone: string
  title: Words
  space_title: Words
  url: string
  svg: string
  now_ms: number
  ends_ms: number
  void_ms: number
  link_ends_ms: number | null
}
/** What a report of some days adds up to; shares are 0 to 1. */
export interface ReportFigures {
  rounds: Record<string, number>
  visits: Record<string, number>
  due: number
  made: number
  complete: number | null
  punctual: number | null
  partly: number
  marked: number
  undecided: number
  rejected: number
  findings: number
  photos: number
  orders: number
  repaired: number
  overdue: number
  repair_ms: number | null
  score: number | null
}
/** `id`: SHA-256 of the file. */
export interface ArchivedReport {
  id: string
  format: 'pdf' | 'xlsx'
  language: Language
  first: string
  last: string
  plan: string | null
  plan_title: Words | null
  team: string | null
  team_title: Words | null
  bytes: number
  made_ms: number
  made_by: string
}

export interface Enrolment {
  code: string
  url: string
  svg: string
  expires_ms: number
  secure: boolean
  reachable: boolean
  install: { url: string; svg: string; fingerprint: string } | null
}
export interface Phone {
  id: string
  person: string
  person_name: string
  label: string
  signed: boolean
  enrolled_ms: number
  seen_ms: number | null
  wrong_pins: number
  withdrawn_ms: number | null
  withdrawn_by: string | null
}

export interface PlanPoint {
  checkpoint: string
  least_walk_s: number | null
  walk_s: number
  least_dwell_s: number
  opens_s: number | null
  closes_s: number | null
}
export type PlanKind = 'patrol' | 'equipment' | 'cleaning' | 'greening' | 'management'
export type PlanOrder = 'fixed' | 'free' | 'random'
export type PlanHolidays = 'run' | 'skip' | 'only_workdays' | 'only_holidays'
export interface Plan {
  id: string
  title: Words
  kind: PlanKind
  points: PlanPoint[]
  order: PlanOrder
  rrule: string
  starts_at: string
  duration_s: number
  tolerance_s: number
  valid_from: string
  valid_until: string | null
  holidays: PlanHolidays
  team: string | null
  person: string | null
  scored: boolean
  active: boolean
  version: number
  next_ms: number[]
}
export interface PlanVersion { version: number; at_ms: number; by: string | null; by_name: string | null; changed: string[]; plan: Plan }
/** `local`: wall time; `provisional`: the year's holidays are not known yet. */
export interface PlanStart { round: string; starts_ms: number; ends_ms: number; local: string; holiday: string | null; workday: boolean; provisional: boolean }
export interface Team { id: string; title: Words; members: string[] }

export type IncidentState = 'reported' | 'handling' | 'closed'
export type Rung = 'supervisor' | 'manager' | 'admin' | 'all'
/** The newest call for people, while nobody has taken it. */
export interface IncidentCall { rung: Rung; names: string[]; at_ms: number; number: number }
/** A reported happening. `urgent`: people are called until somebody takes it. */
export interface Incident {
  id: string
  kind: string
  title: Words
  priority: Priority
  urgent: boolean
  state: IncidentState
  place: Words | null
  floor: Words | null
  checkpoint: string | null
  space: string | null
  asset: string | null
  asset_title: Words | null
  reporter: string
  reporter_name: string
  device_ms: number | null
  received_ms: number
  taken_by: string | null
  taken_by_name: string | null
  taken_ms: number | null
  closed_by_name: string | null
  closed_ms: number | null
  work_order: string | null
  call: IncidentCall | null
}
export interface IncidentList { items: Incident[]; counts: Record<string, number> }
export interface IncidentEntry {
  id: number
  at_ms: number
  actor_name: string | null
  action: string
  text: string | null
  photos: string[]
  rung: string | null
  names: string[]
  work_order: string | null
}
export interface IncidentPosition { lat: number; lon: number; accuracy_m: number }
export interface IncidentDetail extends Incident {
  description: string
  /** Personal data; null for those who need not know. */
  people: string | null
  position: IncidentPosition | null
  photos: string[]
  phone: string
  reason: string | null
  timeline: IncidentEntry[]
  allowed_actions: string[]
}

/** One point by hour: `planned` = made + missed + still open, by the hour its window opens; `seen` by the hour of the scan. */
export interface CoverageRow {
  checkpoint: string
  title: Words
  planned: number[]
  made: number[]
  missed: number[]
  seen: number[]
  last_ms: number | null
  gap_from_ms: number
  gap_to_ms: number
  /** The longest time without a visit that the plans allow; null: no plan goes here. */
  allowed_ms: number | null
}
export interface Coverage { from_ms: number; to_ms: number; items: CoverageRow[] }
export interface Stop {
  round: string
  title: Words
  sequence: number
  opens_ms: number
  closes_ms: number
  state: VisitState
  scan: string | null
  scanned_ms: number | null
  person: string | null
  person_name: string | null
}
export interface StatisticsRow {
  id: string
  title: Words
  rounds: Record<string, number>
  visits: Record<string, number>
  partly: number
  scans: number
  marked: number
  manual: number
  findings: number
  punctual: number | null
  pace_s: number | null
  weeks: { day: string; rounds: Record<string, number> }[]
  score: number | null
}
export interface Statistics { from_ms: number; to_ms: number; plans: StatisticsRow[]; persons: StatisticsRow[] }
export interface Finding {
  id: string
  title: Words
  ask: Words
  answer: ScanAnswer
  unit: string
  priority: Priority
  person_name: string
  at_ms: number
  work_order: string | null
  order_state: OrderState | null
}

export interface HandoverSignature { person: string; name: string; at_ms: number }
export interface HandoverBrief {
  id: string
  team: string
  team_title: Words
  shift: string
  title: Words
  starts_ms: number
  ends_ms: number
  state: 'open' | 'handed_over' | 'taken_over'
  /** Another shift of the team follows, so somebody takes over. */
  expected: boolean
  outgoing: HandoverSignature | null
  incoming: HandoverSignature | null
  sha256: string | null
}
export interface HandoverSheet {
  made_ms: number
  seen: string
  remarks: string
  alarms: { id: string; title: Words; asset: Words; priority: Priority; state: AlarmState; raised_ms: number; by: string | null; order: string | null }[]
  rounds: { id: string; title: Words; state: RoundState; person: string | null; starts_ms: number; done: number; total: number; missed: Words[]; late: Words[]; reason: string | null }[]
  scans: { id: string; title: Words | null; person: string; at_ms: number; doubts: Words[] }[]
  findings: { id: string; title: Words; ask: Words; priority: Priority; person: string; at_ms: number; order: string; order_state: OrderState }[]
  orders: { id: string; title: Words; priority: Priority; state: OrderState; assignee: string | null; due_ms: number | null }[]
  incidents: { id: string; title: Words; priority: Priority; state: string; place: Words | null; by: string | null; received_ms: number }[]
}
export interface Handover extends HandoverBrief {
  sheet: HandoverSheet
  changes: { part: string; kind: 'came' | 'went' | 'changed'; id: string; title: Words; fields: string[] }[]
  intact: boolean
  may_sign: ('outgoing' | 'incoming')[]
  from_ms: number
}
