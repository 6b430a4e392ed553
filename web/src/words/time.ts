/** Times and durations in words. Points in time are shown in the site's zone, 24 hours, never the device's zone. */

import { ref } from 'vue'
import { locale, t } from './index'

export const zone = ref('Asia/Shanghai')

const cache = new Map<string, Intl.DateTimeFormat>()

function format(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${kind}|${locale.value}|${zone.value}`
  let made = cache.get(key)
  if (!made) {
    made = new Intl.DateTimeFormat(locale.value, { ...options, timeZone: zone.value, hourCycle: 'h23' })
    cache.set(key, made)
  }
  return made
}

/** 18:42:16 */
export function clockTime(ms: number, seconds = true): string {
  return seconds
    ? format('hms', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(ms)
    : format('hm', { hour: '2-digit', minute: '2-digit' }).format(ms)
}

/** 2026年11月23日, in English 23 Nov 2026 */
export function day(ms: number): string {
  if (locale.value === 'zh-CN') return format('day', { year: 'numeric', month: 'long', day: 'numeric' }).format(ms)
  const parts = format('day', { year: 'numeric', month: 'short', day: 'numeric' }).formatToParts(ms)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ''
  return `${part('day')} ${part('month')} ${part('year')}`
}

/** 11月23日 周一, in English Mon 23 Nov */
export function shortDay(ms: number): string {
  const parts = format('short', { month: locale.value === 'zh-CN' ? 'numeric' : 'short', day: 'numeric', weekday: 'short' }).formatToParts(ms)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ''
  return t('time.shortDay', { month: part('month'), day: part('day'), weekday: part('weekday') })
}

/** 11-23, the year only when it is another one. */
export function monthDay(ms: number): string {
  const iso = isoDay(ms)
  return iso.slice(0, 4) === isoDay(Date.now()).slice(0, 4) ? iso.slice(5) : iso
}

export function isoDay(ms: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone.value }).format(ms)
}

/** The clock for today, else the day and hours and minutes. */
export function moment(ms: number, now: number, seconds = true): string {
  return isoDay(ms) === isoDay(now) ? clockTime(ms, seconds) : `${monthDay(ms)} ${clockTime(ms, false)}`
}

/** Everything, for titles and lists that are kept: 2026-11-23 18:42:16 */
export function fullTime(ms: number): string {
  return `${isoDay(ms)} ${clockTime(ms)}`
}

/** 1:14, 26:25, 7:49:04, 2 天 3 时. For running clocks: digits only up to a day. */
export function duration(ms: number): string {
  const all = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number): string => String(n).padStart(2, '0')
  const [days, hours, minutes, seconds] = [Math.floor(all / 86400), Math.floor(all / 3600) % 24, Math.floor(all / 60) % 60, all % 60]
  if (days > 0) return t('time.daysHours', { days, hours })
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

/** 0.4 秒, 12 秒, 12 分钟, 6 小时, 3 天: the length of a silence. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return t('time.seconds', { n: seconds.toFixed(1) })
  if (seconds < 100) return t('time.seconds', { n: Math.round(seconds) })
  if (seconds < 5400) return t('time.minutes', { n: Math.round(seconds / 60) })
  if (seconds < 129_600) return t('time.hours', { n: Math.round(seconds / 3600) })
  return t('time.days', { n: Math.round(seconds / 86_400) })
}
