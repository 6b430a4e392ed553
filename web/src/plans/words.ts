/** Plans in sentences. */

import type { Plan } from '@/api/types'
import { t } from '@/words'
import { fromRule, LAST, type Picked, type Rule } from './recurrence'

export function sentence(picked: Picked): string {
  const times = picked.times.join(t('plans.and'))
  switch (picked.manner) {
    case 'weekly':
      return t('plans.says.weekly', { days: picked.days.map((day) => t(`plans.day.${day}`)).join(t('plans.and')), times })
    case 'monthly':
      return t('plans.says.monthly', { days: picked.monthDays.map(dayOfMonth).join(t('plans.and')), times })
    case 'hourly':
      return t('plans.says.hourly', { minute: picked.times[0]?.slice(3) ?? '00' })
    case 'rule':
      return picked.rule
    default:
      return t(`plans.says.${picked.manner}`, { times })
  }
}

export function dayOfMonth(day: number): string {
  return day === LAST ? t('plans.lastDay') : t('plans.dayOfMonth', { n: day })
}

export function sentenceOf(rule: Rule): string {
  const picked = fromRule(rule)
  const said = sentence(picked)
  return rule.holidays === 'run' || picked.manner === 'workdays' ? said : t('plans.says.also', { said, also: t(`plans.holidays.${rule.holidays}`) })
}

/** `who` gives names of teams and people. */
export function whoOf(plan: Plan, team: (id: string) => string, person: (id: string) => string): string {
  if (plan.person) return person(plan.person)
  return plan.team ? team(plan.team) : t('plans.anybody')
}
