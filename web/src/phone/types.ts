/** What the phone and the server tell one another. Times: integer milliseconds UTC. */

import type { Words } from '@/api/types'

export type { Words }
export type Priority = 'critical' | 'high' | 'medium' | 'low'
export type CheckType = 'yes_no' | 'choice' | 'number' | 'photo' | 'text'
export type Result = 'ok' | 'not_ok' | 'cannot'
export type TokenType = 'printed' | 'rotating' | 'nfc' | 'manual'
export type RoundState = 'scheduled' | 'in_progress' | 'finished' | 'incomplete' | 'missed' | 'cancelled'
export type VisitState = 'due' | 'on_time' | 'early' | 'late' | 'out_of_order' | 'missed'

export interface Check {
  id: string
  ask: Words
  type: CheckType
  choices?: Words[] | null
  limits?: [number, number] | null
  unit: string
  required?: boolean
  /** Key of the asset's point this answer is a reading of. */
  point?: string | null
}

/** An alarm or an order at a glance. */
export interface Brief { id: string; title: Words; priority: Priority; state: string; since_ms: number; due_ms: number | null }
export interface ValueNow {
  id: number; key: string; title: Words; type: string; unit: string; decimals: number; codes: Record<string, Words> | null
  value: number | null; text: string | null; quality: 'good' | 'uncertain' | 'bad'; stale: boolean; at_ms: number | null
}
export interface AssetNow { id: string; title: Words; alarms: Brief[]; orders: Brief[]; values: ValueNow[] }

export interface Checkpoint {
  id: string
  title: Words
  space_title?: Words | null
  asset?: string | null
  short_code_sha256?: string | null
  nfc_sha256?: string | null
  checks: Check[]
  asset_now?: AssetNow | null
}

/** `walk_s`: from the stop before. */
export interface Visit { checkpoint: string; sequence: number; opens_ms: number; closes_ms: number; state: VisitState; scan: string | null; walk_s: number }
export interface Round {
  id: string; title: Words; order: 'fixed' | 'free' | 'random'; state: RoundState
  starts_ms: number; ends_ms: number; tolerance_s: number; visits: Visit[]; person: string | null
}
export interface Person { id: string; name: string }
export interface Today {
  now_ms: number
  person: Person
  phone: string | null
  site: { id: string; title: Words; zone: string }
  rounds: Round[]
  checkpoints: Record<string, Checkpoint>
}

export interface Position { lat: number; lon: number; accuracy_m: number }
export interface Anchor { server_ms: number; monotonic_ms: number; mac: string }
export interface Answer { check: string; result: Result; value: number | string | null; reason: string | null; photos: string[] }

/** A scan as it was made; the answers grow until it is sealed. */
export interface ScanBody {
  id: string
  round: string | null
  checkpoint: string | null
  token: string
  token_type: TokenType
  device_ms: number
  monotonic_ms: number
  boot: string
  position: Position | null
  anchor: Anchor | null
  answers: Answer[]
  photos: string[]
}
export interface Seal { counter: number; previous: string; signature: string }

export interface Doubt { reason: string; text: Words; facts?: Record<string, unknown> }
export interface ScanAnswer {
  id: string
  state: 'accepted' | 'marked' | 'duplicate'
  verdict?: { accepted: boolean; confidence: number; doubts: Doubt[] } | null
  visit?: { state: VisitState } | null
  received_ms?: number
  asset?: AssetNow | null
  findings?: { id: string; work_order: string | null }[]
}

export const KINDS = ['fire', 'person_hurt', 'lift_entrapment', 'theft', 'dispute', 'water', 'power', 'loiterer', 'property_damage', 'other'] as const
export type IncidentKind = (typeof KINDS)[number]
/** An incident or a call for help as the server knows it: what the reporter wants to know is who comes. */
export interface Told {
  id: string
  state: 'reported' | 'handling' | 'closed'
  urgent: boolean
  taken_by_name: string | null
  taken_ms: number | null
  closed_ms: number | null
  work_order: string | null
  call: { names: string[] } | null
}
