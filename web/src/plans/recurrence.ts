/** A recurrence as people pick it, and as RFC 5545 says it. Pure; the server has the last word on every rule. */

import type { PlanHolidays } from '@/api/types'

export const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const
export type Day = (typeof DAYS)[number]
const HOURS = Array.from({ length: 24 }, (_, hour) => hour)
const WEEKDAYS: readonly Day[] = ['MO', 'TU', 'WE', 'TH', 'FR']
export const LAST = -1

/** `hourly` is every day at all hours; `workdays` is daily on working days of the calendar, 调休 included; `rule` is written
 * by hand. */
export type Manner = 'hourly' | 'daily' | 'weekdays' | 'workdays' | 'weekly' | 'monthly' | 'rule'
export const MANNERS: readonly Manner[] = ['daily', 'hourly', 'weekdays', 'workdays', 'weekly', 'monthly', 'rule']

/** `times`: HH:MM, ascending as picked; `monthDays`: 1 to 31, or LAST. */
export interface Picked { manner: Manner; days: Day[]; monthDays: number[]; times: string[]; rule: string }
export interface Rule { rrule: string; starts_at: string; holidays: PlanHolidays }

export type Trouble = 'noTime' | 'minutes' | 'noDay'

const minute = (time: string): string => time.slice(3)
const hour = (time: string): number => Number(time.slice(0, 2))

/** What keeps this from being a rule; null when nothing does. Several starts a day share their minute, because BYHOUR and
 * BYMINUTE multiply. */
export function troubleOf(picked: Picked): Trouble | null {
  if (!picked.times.length || picked.times.some((time) => !/^\d\d:\d\d$/.test(time))) return 'noTime'
  if (new Set(picked.times.map(minute)).size > 1) return 'minutes'
  if (picked.manner === 'weekly' && !picked.days.length) return 'noDay'
  if (picked.manner === 'monthly' && !picked.monthDays.length) return 'noDay'
  return null
}

export function toRule(picked: Picked, holidays: PlanHolidays): Rule {
  const times = [...new Set(picked.times)]
  const first = times[0] ?? '08:00'
  const kept = picked.manner === 'workdays' ? 'only_workdays' : holidays
  if (picked.manner === 'rule') return { rrule: picked.rule.trim(), starts_at: first, holidays: kept }
  const parts = {
    hourly: ['FREQ=DAILY'],
    daily: ['FREQ=DAILY'],
    workdays: ['FREQ=DAILY'],
    weekdays: ['FREQ=WEEKLY', `BYDAY=${WEEKDAYS.join(',')}`],
    weekly: ['FREQ=WEEKLY', `BYDAY=${DAYS.filter((day) => picked.days.includes(day)).join(',')}`],
    monthly: ['FREQ=MONTHLY', `BYMONTHDAY=${picked.monthDays.join(',')}`],
  }[picked.manner]
  if (picked.manner === 'hourly') parts.push(`BYHOUR=${HOURS.join(',')}`)
  else if (times.length > 1) parts.push(`BYHOUR=${times.map(hour).join(',')}`)
  return { rrule: parts.join(';'), starts_at: first, holidays: kept }
}

/** The picker's view of a rule; what it has no button for stays as text. */
export function fromRule(rule: Rule): Picked {
  const byHand: Picked = { manner: 'rule', days: [], monthDays: [], times: [rule.starts_at], rule: rule.rrule }
  const parts = new Map(rule.rrule.replace(/^RRULE:/i, '').toUpperCase().split(';').map((part) => part.split('=', 2) as [string, string]))
  const freq = parts.get('FREQ')
  const days = (parts.get('BYDAY') ?? '').split(',').filter(Boolean)
  const monthDays = (parts.get('BYMONTHDAY') ?? '').split(',').filter(Boolean).map(Number)
  const hours = (parts.get('BYHOUR') ?? '').split(',').filter(Boolean)
  parts.delete('FREQ')
  parts.delete('BYHOUR')
  if (freq === 'WEEKLY') parts.delete('BYDAY')
  if (freq === 'MONTHLY') parts.delete('BYMONTHDAY')
  const plainDays = days.every((day) => (DAYS as readonly string[]).includes(day))
  if (parts.size || !plainDays || hours.some((one) => !/^\d{1,2}$/.test(one))) return byHand
  if (monthDays.some((day) => !Number.isInteger(day) || (day < 1 && day !== LAST) || day > 31)) return byHand
  const times = hours.length ? hours.map((one) => `${one.padStart(2, '0')}:${minute(rule.starts_at)}`) : [rule.starts_at]
  const picked = { ...byHand, days: days as Day[], monthDays, times }
  const atAllHours = hours.length === HOURS.length && HOURS.every((one) => hours.map(Number).includes(one))
  if (freq === 'DAILY' && atAllHours && rule.holidays !== 'only_workdays') return { ...picked, manner: 'hourly', times: [rule.starts_at] }
  if (freq === 'DAILY') return { ...picked, manner: rule.holidays === 'only_workdays' ? 'workdays' : 'daily' }
  if (freq === 'WEEKLY' && days.length) {
    const week = days.length === WEEKDAYS.length && WEEKDAYS.every((day) => days.includes(day))
    return { ...picked, manner: week ? 'weekdays' : 'weekly' }
  }
  return freq === 'MONTHLY' && monthDays.length ? { ...picked, manner: 'monthly' } : byHand
}
