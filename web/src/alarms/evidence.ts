/** The readings that proved an alarm, as one line of words. */

import type { Alarm, Evidence, Kind } from '@/api/types'
import { language, say, t } from '@/words'
import { figure, unitText } from '@/words/figures'
import { span } from '@/words/time'

function one(item: Evidence, kind: Kind | undefined, rule: string): string {
  const op = kind?.rules.find((known) => known.id === rule)?.terms.find((term) => term.point === item.key)?.op
  // The limit of a silence is seconds, not the point's unit.
  if (op === 'stale') return t('evidence.silent', { what: say(item.title), span: span((item.limit ?? 0) * 1000) })
  const spec = kind?.points.find((point) => point.key === item.key)
  const code = item.value === null ? undefined : spec?.codes[String(Math.trunc(item.value))]
  let value: string
  if (item.value === null) value = '—'
  else if (code) value = say(code)
  else if (spec?.type === 'bool') value = item.value ? t('value.yes') : t('value.no')
  else value = figure(item.value, spec?.decimals ?? 2)
  const unit = value === '—' || code ? '' : unitText(item.unit)
  const told = `${say(item.title)} ${value}${unit ? ` ${unit}` : ''}`
  const plain = item.limit !== null && spec?.type !== 'bool' && !spec?.codes[String(Math.trunc(item.limit))]
  return plain ? t('evidence.limit', { told, limit: figure(item.limit ?? 0, spec?.decimals ?? 2) }) : told
}

/** At most `most` readings, the newest of each point. */
export function evidenceText(alarm: Alarm, kind: Kind | undefined, most = 3): string {
  const newest = new Map<string, Evidence>()
  for (const item of alarm.evidence) newest.set(item.key, item)
  const told = [...newest.values()].slice(0, most).map((item) => one(item, kind, alarm.rule))
  return told.join(language.value === 'zh' ? '；' : '; ') // i18n-ok
}
