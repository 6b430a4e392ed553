/** The days that reports are about. */

import { describe, expect, it } from 'vitest'
import { RANGES, daysOf, sizeText } from '../src/reports/ranges'

describe('the days of a report', () => {
  it('weeks begin on Monday, months end on their last day', () => {
    const found = Object.fromEntries(RANGES.map((range) => [range, daysOf(range, '2028-03-01')])) // a Wednesday after 29 February
    expect(found).toEqual({
      today: { from: '2028-03-01', to: '2028-03-01' },
      thisWeek: { from: '2028-02-28', to: '2028-03-05' },
      lastWeek: { from: '2028-02-21', to: '2028-02-27' },
      thisMonth: { from: '2028-03-01', to: '2028-03-31' },
      lastMonth: { from: '2028-02-01', to: '2028-02-29' },
    })
  })
  it('a Sunday belongs to the week that is ending, January looks back into the year before', () => {
    expect(daysOf('thisWeek', '2027-01-03')).toEqual({ from: '2026-12-28', to: '2027-01-03' })
    expect(daysOf('lastMonth', '2027-01-03')).toEqual({ from: '2026-12-01', to: '2026-12-31' })
  })
  it('sizes are round', () => {
    expect([sizeText(12), sizeText(204_200), sizeText(1_123_000)]).toEqual(['1 kB', '204 kB', '1.1 MB'])
  })
})
