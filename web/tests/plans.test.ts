import { describe, expect, it } from 'vitest'
import { bodyOf, fresh, pointOf, wrongFields } from '@/plans/draft'
import { fromRule, type Rule, toRule, troubleOf } from '@/plans/recurrence'
import { Problem } from '@/api/problem'

const rule = (rrule: string, starts_at = '08:30', holidays: Rule['holidays'] = 'run'): Rule => ({ rrule, starts_at, holidays })

describe('a recurrence', () => {
  it.each([
    [rule('FREQ=DAILY'), 'daily'],
    [rule('FREQ=DAILY;BYHOUR=20,22,0,2,4', '20:00'), 'daily'],
    [rule(`FREQ=DAILY;BYHOUR=${Array.from({ length: 24 }, (_, hour) => hour).join(',')}`, '00:20'), 'hourly'],
    [rule('FREQ=DAILY', '08:30', 'only_workdays'), 'workdays'],
    [rule('FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'), 'weekdays'],
    [rule('FREQ=WEEKLY;BYDAY=TU,FR', '09:00', 'skip'), 'weekly'],
    [rule('FREQ=MONTHLY;BYMONTHDAY=1,15,-1', '14:00'), 'monthly'],
    [rule('FREQ=MONTHLY;BYDAY=1MO'), 'rule'],
    [rule('FREQ=DAILY;INTERVAL=2'), 'rule'],
    [rule('FREQ=WEEKLY'), 'rule'],
    [rule('FREQ=DAILY;COUNT=1'), 'rule'],
  ])('%j is picked as %s and written back as it was', (given, manner) => {
    const picked = fromRule(given)
    expect(picked.manner).toBe(manner)
    expect(toRule(picked, given.holidays)).toEqual(given)
  })

  it('shows each start of a day', () => {
    expect(fromRule(rule('FREQ=DAILY;BYHOUR=20,0', '20:15')).times).toEqual(['20:15', '00:15'])
  })

  it('says what keeps it from being one', () => {
    const picked = fromRule(rule('FREQ=DAILY'))
    expect(troubleOf(picked)).toBeNull()
    expect(troubleOf({ ...picked, times: ['08:30', '14:00'] })).toBe('minutes')
    expect(troubleOf({ ...picked, times: [] })).toBe('noTime')
    expect(troubleOf({ ...picked, manner: 'weekly', days: [] })).toBe('noDay')
  })
})

describe('a draft', () => {
  it('sends one team or one person, minutes as seconds, and a title in both languages', () => {
    const draft = { ...fresh('2026-01-01'), zh: ' 夜巡 ', who: 'person' as const, team: 'security', person: 'zhao', minutes: 90, points: [{ ...pointOf('p1'), dwell: 30, closes: 10 }] }
    expect(bodyOf(draft)).toMatchObject({
      title: { zh: '夜巡', en: '夜巡' }, team: null, person: 'zhao', duration_s: 5400, tolerance_s: 300,
      points: [{ checkpoint: 'p1', least_walk_s: null, least_dwell_s: 30, opens_s: null, closes_s: 600 }],
    })
  })

  it('finds the field that the server means', () => {
    const refusal = (facts: Record<string, unknown>): Problem => new Problem({ title: '', status: 422, detail: 'no', code: 'refused', facts })
    expect([...wrongFields(refusal({ field: 'points.2' })).keys()]).toEqual(['points', 'points.2'])
    expect([...wrongFields(refusal({ fields: [{ field: 'title.zh', problem: 'short' }] })).entries()]).toEqual([['title', 'short']])
    expect(wrongFields(null).size).toBe(0)
  })
})
