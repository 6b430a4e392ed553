import { describe, expect, it } from 'vitest'
import { cellOf, toneOf } from '@/rounds/heat'
import { figuresOf } from '@/rounds/statistics'
import { csvOf } from '@/show/csv'
import { useSort } from '@/show/useSort'
import type { CoverageRow, StatisticsRow } from '@/api/types'

describe('a table as a file', () => {
  it('lets no text be run as a formula and keeps numbers', () => {
    expect(csvOf([['=1+1', ' @x', '-2', -2, null, 'a,"b"']])).toBe('\uFEFF\'=1+1,\' @x,\'-2,-2,,"a,""b"""\r\n')
  })
})

describe('the head of a column', () => {
  it('sorts the way it is mostly read, then the other way, and keeps what is unknown last', () => {
    const { sorted, sortBy, ariaOf } = useSort<{ n: number | null }>([{ key: 'a', value: () => 0 }, { key: 'n', value: (row) => row.n, down: true }], 'a')
    const rows = [{ n: 1 }, { n: null }, { n: 3 }]
    sortBy('n')
    expect([sorted(rows).map((row) => row.n), ariaOf('n'), ariaOf('a')]).toEqual([[3, 1, null], 'descending', 'none'])
    sortBy('n')
    expect(sorted(rows).map((row) => row.n)).toEqual([1, 3, null])
  })
})

describe('a cell of the heat map', () => {
  const hours = (hour: number, n: number): number[] => Array.from({ length: 24 }, (_, at) => (at === hour ? n : 0))
  const row = { planned: hours(20, 10), made: hours(20, 7), missed: hours(20, 2), seen: hours(21, 7) } as unknown as CoverageRow

  it('says numbers where something lacks, and nothing where nothing was planned', () => {
    expect(cellOf(row, 20, 'plan', 7)).toEqual({ text: '7/9', tone: 'some', planned: 10, made: 7, missed: 2, due: 1, seen: 0 })
    expect(cellOf(row, 3, 'plan', 7).text).toBe('')
    const due = { ...row, made: hours(0, 0), missed: hours(0, 0) }
    expect(cellOf(due, 20, 'plan', 7)).toMatchObject({ text: '…', tone: '', due: 10 })
    expect([cellOf(row, 21, 'scan', 7).text, cellOf(row, 21, 'scan', 7).tone]).toEqual(['7', 's4'])
  })

  it('spends colour on what is not normal only', () => {
    expect([toneOf(0, 5), toneOf(1, 20), toneOf(1, 10), toneOf(1, 2)]).toEqual(['full', 'few', 'some', 'many'])
  })
})

describe('the figures of a plan', () => {
  it('count shares of the rounds that are over', () => {
    const row = { rounds: { finished: 2, missed: 1, in_progress: 1 }, visits: { missed: 4 }, punctual: 0.8765, pace_s: null, score: null } as unknown as StatisticsRow
    const { rounds, finished, missed, incomplete, punctual, missedStops, pace } = figuresOf(row)
    expect([rounds, finished, missed, incomplete, punctual, missedStops, pace]).toEqual([4, 66.7, 33.3, 0, 87.7, 4, null])
  })
})
