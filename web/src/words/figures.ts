/** Values in words: number with its decimals, enum and bool by their names. */

import type { Point } from '@/live/points'
import { say, t } from './index'

const THIN = '\u2009'

/** 3 862.50: thin spaces by thousands, a true minus sign. */
export function figure(value: number, decimals: number): string {
  const [whole, part] = Math.abs(value).toFixed(decimals).split('.')
  const grouped = (whole ?? '').length > 4 ? (whole ?? '').replace(/\B(?=(\d{3})+$)/g, THIN) : whole
  const sign = value < 0 && Number(value.toFixed(decimals)) !== 0 ? '−' : ''
  return sign + grouped + (part ? `.${part}` : '')
}

type Saying = Pick<Point, 'value' | 'text' | 'type' | 'decimals' | 'codes'>

/** What the point says, without its unit; a dash when it has said nothing. */
export function valueText(point: Saying): string {
  if (point.text !== null && point.text !== '') return point.text
  if (point.value === null) return '—'
  const code = point.codes[String(Math.trunc(point.value))]
  if (code) return say(code)
  if (point.type === 'bool') return point.value ? t('value.yes') : t('value.no')
  if (point.type === 'enum') return t('value.code', { code: point.value })
  return figure(point.value, point.decimals)
}

/** Units are written as people write them; UCUM spellings are translated. */
const UNITS: Record<string, string> = {
  Cel: '°C', 'm3/h': 'm³/h', m3: 'm³', 'mm/s2': 'mm/s²', 'm/s2': 'm/s²', '1': '', count: '', bool: '', enum: '', lx: 'lx',
}
export function unitText(unit: string): string {
  return UNITS[unit] ?? unit
}
