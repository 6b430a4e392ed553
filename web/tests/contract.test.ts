/** The hand-written types are held against api/openapi.json: same fields, and null exactly where the server may say null. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

interface Schema { properties?: Record<string, { type?: string; anyOf?: { type?: string }[] }> }
const ROOT = join(import.meta.dirname, '..', '..')
const api = JSON.parse(readFileSync(join(ROOT, 'api', 'openapi.json'), 'utf8')) as { components: { schemas: Record<string, Schema> } }

/** Our name -> the server's. */
const SAME: Record<string, string> = {
  Words: 'Words', Space: 'SpaceShape', Site: 'SiteShape', LimitMark: 'LimitShape', PointValue: 'PointValue', Device: 'DeviceShape',
  Asset: 'AssetShape', AssetDetail: 'AssetDetail', PointSpec: 'PointSpecShape', RuleSpec: 'RuleShape', Kind: 'KindShape',
  RawColumns: 'Columns', BucketColumns: 'BucketColumns', Series: 'Readings', SeriesAnswer: 'SeriesOfAsset', Evidence: 'EvidenceShape',
  Alarm: 'AlarmShape', AlarmList: 'AlarmList', CloseReason: 'Reason', WorkOrder: 'OrderShape', OrderList: 'OrderList', HistoryEntry: 'Entry',
  WorkRequest: 'WorkRequestShape', Repair: 'RepairShape', Sticker: 'StickerShape', Report: 'ReportShape', ReportFigures: 'FiguresShape', ArchivedReport: 'ArchivedReport',
  PartHealth: 'Part', Health: 'Health', QuarantineList: 'Quarantine', AlarmCounts: 'AlarmTotals',
  Visit: 'VisitShape', Round: 'RoundShape', RoundList: 'RoundList', Doubt: 'DoubtShape', Witness: 'WitnessShape', Verdict: 'VerdictShape',
  Decision: 'DecisionShape', ScanAnswer: 'AnswerShape', Scan: 'ScanShape', ScanList: 'ScanList', Place: 'PlaceShape', Checkpoint: 'CheckpointShape', Label: 'LabelShape', DisplayLink: 'DisplayLink', DisplayCode: 'DisplayCode',
  Enrolment: 'Enrolment', Phone: 'PhoneShape',
  Incident: 'IncidentShape', IncidentCall: 'CallShape', IncidentList: 'IncidentList', IncidentEntry: 'IncidentEntryShape', IncidentPosition: 'PositionShape',
  IncidentDetail: 'IncidentDetail',
}

/** interface -> field -> whether it may be null (`?` counts, because such a field may be missing or null). */
function ours(): Map<string, Map<string, boolean>> {
  const file = ts.createSourceFile('types.ts', readFileSync(join(ROOT, 'web/src/api/types.ts'), 'utf8'), ts.ScriptTarget.ES2022, true)
  const found = new Map<string, Map<string, boolean>>()
  file.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node)) return
    const parent = node.heritageClauses?.[0]?.types[0]?.expression.getText()
    const fields = new Map(parent ? found.get(parent) : undefined)
    for (const member of node.members) {
      if (!ts.isPropertySignature(member)) continue
      const type = member.type?.getText() ?? ''
      fields.set(member.name.getText(), /\bnull\b(?!\))/.test(type.replace(/\([^)]*\)/g, '')) || member.questionToken !== undefined)
    }
    found.set(node.name.getText(), fields)
  })
  return found
}

describe('the types of the API', () => {
  const types = ours()
  for (const [name, schema] of Object.entries(SAME)) {
    it(`${name} is what the server calls ${schema}`, () => {
      const theirs = api.components.schemas[schema]?.properties
      expect(theirs, `api/openapi.json has no ${schema}`).toBeDefined()
      const wrong: string[] = []
      for (const [field, mayBeNull] of types.get(name) ?? []) {
        const property = theirs?.[field]
        if (!property) wrong.push(`${field} does not exist`)
        else if ((property.anyOf?.some((one) => one.type === 'null') ?? false) !== mayBeNull) wrong.push(`${field}: null?`)
      }

      expect(wrong).toEqual([])
      expect(types.get(name)?.size).toBeGreaterThan(0)
    })
  }
})
