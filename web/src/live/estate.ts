/** Everything the console shows live, fed by a REST snapshot and then by the stream. The only store of facts. */

import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import { acceptLanguage, get, ROOT } from '@/api/client'
import { asProblem, type Problem } from '@/api/problem'
import type {
  Alarm, AlarmEvent, AlarmList, Asset, AssetDetail, Health, HelloEvent, Incident, IncidentList, Kind, NoticeEvent, OrderEvent, OrderList, Person, Priority,
  Site, ValuesEvent, WorkOrder,
} from '@/api/types'
import { clock } from './clock'
import { Connection, type LinkState } from './connection'
import { isStale, makePoint, type Point, refresh, staleAfter, take } from './points'
import { byDue, byUrgency, isOpen, isUnacknowledged, isUnfinished, PRIORITIES, rank, UNFINISHED } from './ranking'
import type { StreamEvent } from './sse'

const ASSETS_EVERY_MS = 15_000
const LIMIT = 500

/** What is open on an asset. `acute`: something critical is so right now, not only unacknowledged. */
export interface AssetTrouble { worst: Priority; acute: boolean; alarms: number; unacknowledged: number; orders: number }

export const useEstate = defineStore('estate', () => {
  const site = shallowRef<Site | null>(null)
  const kinds = shallowRef<Map<string, Kind>>(new Map())
  const people = shallowRef<Map<string, Person>>(new Map())
  const assets = shallowRef<Map<string, Asset>>(new Map())
  const health = shallowRef<Health | null>(null)
  const alarms = shallowReactive(new Map<string, Alarm>())
  const orders = shallowReactive(new Map<string, WorkOrder>())
  /** Reported or being handled. */
  const incidents = shallowReactive(new Map<string, Incident>())
  /** asset -> key -> point; grows when an asset's page asks for all of its points. */
  const points = shallowReactive(new Map<string, Map<string, Point>>())
  const byId = new Map<number, Point>()

  const link = ref<LinkState>('connecting')
  const lastEventMs = ref(0)
  const lostSinceMs = ref<number | null>(null)
  const loaded = ref(false)
  const problem = shallowRef<Problem | null>(null)
  /** The newest event of an alarm or an order, for pages that hold lists of their own. */
  const latestAlarm = shallowRef<Alarm | null>(null)
  const latestOrder = shallowRef<WorkOrder | null>(null)
  const latestIncident = shallowRef<Incident | null>(null)
  /** The newest event of a round, a scan, a finding or a handover; also set anew after every reload, because some may have been missed. */
  const latestNotice = shallowRef<NoticeEvent | null>(null)

  let connection: Connection | null = null
  let waiting: StreamEvent[] | null = null
  let timer: ReturnType<typeof setInterval> | undefined
  let whenRefused: () => void = () => undefined

  // ---- taking facts -------------------------------------------------------------------------------------------

  function register(asset: Asset, list: AssetDetail['points']): void {
    const known = points.get(asset.id) ?? new Map<string, Point>()
    const kind = kinds.value.get(asset.kind)
    let grew = false
    for (const value of list) {
      const point = byId.get(value.id)
      if (point) {
        refresh(point, value)
        continue
      }
      const made = makePoint(value, staleAfter(kind, value.key))
      byId.set(made.id, made)
      known.set(made.key, made)
      grew = true
    }
    if (grew) points.set(asset.id, new Map(known))
  }

  function takeAlarm(alarm: Alarm): void {
    if (isOpen(alarm)) alarms.set(alarm.id, alarm)
    else alarms.delete(alarm.id)
    latestAlarm.value = alarm
  }

  function takeOrder(order: WorkOrder): void {
    if (isUnfinished(order)) orders.set(order.id, order)
    else orders.delete(order.id)
    latestOrder.value = order
  }

  function takeIncident(incident: Incident): void {
    if (incident.state === 'closed') incidents.delete(incident.id)
    else incidents.set(incident.id, incident)
    latestIncident.value = incident
  }

  let asked = 0
  /** An event names an incident by id alone: who is involved is not for the stream. The last answer asked for counts. */
  async function askIncident(id: string): Promise<void> {
    const mine = (asked += 1)
    lastAsked.set(id, mine)
    try {
      const found = await get<Incident>(`/incidents/${encodeURIComponent(id)}`)
      if (lastAsked.get(id) === mine) takeIncident(found)
    } catch (error) {
      problem.value = asProblem(error)
    }
  }
  const lastAsked = new Map<string, number>()

  function replace<T extends { id: string }>(map: Map<string, T>, items: T[]): void {
    const keep = new Set(items.map((item) => item.id))
    for (const id of [...map.keys()]) if (!keep.has(id)) map.delete(id)
    for (const item of items) map.set(item.id, item)
  }

  // ---- snapshot -----------------------------------------------------------------------------------------------

  async function refreshAssets(): Promise<void> {
    const { items } = await get<{ items: Asset[] }>('/assets')
    for (const asset of items) register(asset, asset.key_points)
    assets.value = new Map(items.map((asset) => [asset.id, asset]))
  }

  async function constants(): Promise<void> {
    if (site.value) return
    const [place, sorts, staff] = await Promise.all([
      get<Site>('/site'),
      get<{ items: Kind[] }>('/kinds'),
      get<{ items: Person[] }>('/people'),
    ])
    kinds.value = new Map(sorts.items.map((kind) => [kind.id, kind]))
    people.value = new Map(staff.items.map((person) => [person.id, person]))
    site.value = place
  }

  async function snapshot(): Promise<void> {
    await constants()
    const [active, unseen, unfinished, happening] = await Promise.all([
      get<AlarmList>('/alarms', { active: true, limit: LIMIT }),
      get<AlarmList>('/alarms', { unacknowledged: true, limit: LIMIT }),
      get<OrderList>('/work-orders', { state: UNFINISHED, limit: LIMIT }),
      get<IncidentList>('/incidents', { state: ['reported', 'handling'], limit: LIMIT }),
    ])
    await Promise.all([refreshAssets(), get<Health>('/health').then((body) => (health.value = body))])
    replace(alarms, [...active.items, ...unseen.items].filter(isOpen))
    replace(orders, unfinished.items)
    replace(incidents, happening.items)
  }

  /** Load everything again. Events that come meanwhile wait, so that an older snapshot cannot overwrite them. */
  async function reload(): Promise<void> {
    waiting = waiting ?? []
    try {
      await snapshot()
      problem.value = null
      loaded.value = true
      latestNotice.value = { type: 'reload', at_ms: Date.now(), facts: {} }
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      const held = waiting
      waiting = null
      for (const event of held) handle(event)
    }
  }

  /** All points of one asset, from now on kept live. */
  async function loadAsset(id: string): Promise<AssetDetail> {
    await constants()
    const detail = await get<AssetDetail>(`/assets/${encodeURIComponent(id)}`)
    register(detail, detail.points)
    return detail
  }

  // ---- stream -------------------------------------------------------------------------------------------------

  function handle(event: StreamEvent): void {
    lastEventMs.value = Date.now()
    if (event.event === 'values') return takeValues(JSON.parse(event.data) as ValuesEvent)
    if (event.event === 'hello') return takeHello(JSON.parse(event.data) as HelloEvent)
    if (event.event === 'health') {
      health.value = JSON.parse(event.data) as Health
      if (health.value.now_ms) clock.learn(health.value.now_ms)
      return
    }
    if (waiting) {
      waiting.push(event)
      return
    }
    if (event.event === 'alarm') takeAlarm((JSON.parse(event.data) as AlarmEvent).alarm)
    else if (event.event === 'work_order') takeOrder((JSON.parse(event.data) as OrderEvent).work_order)
    else if (event.event === 'incident') void askIncident(String((JSON.parse(event.data) as NoticeEvent).facts.incident))
    else if (event.event === 'round' || event.event === 'scan' || event.event === 'finding' || event.event === 'handover') latestNotice.value = JSON.parse(event.data) as NoticeEvent
  }

  function takeValues(event: ValuesEvent): void {
    clock.learn(event.now_ms)
    for (const tuple of event.points) {
      const point = byId.get(tuple[0])
      if (point) take(point, tuple, event.full === true)
    }
    clock.tick()
  }

  function takeHello(event: HelloEvent): void {
    clock.learn(event.now_ms)
    const ours = Number(connection?.lastId ?? NaN)
    // A cursor behind ours is another history (the data folder was replaced): nothing we hold can be trusted.
    if (Number(event.cursor) < ours) connection?.forget()
  }

  function start(refused: () => void): void {
    if (connection) return
    whenRefused = refused
    connection = new Connection({
      url: `${ROOT}/events`,
      headers: () => ({ 'Accept-Language': acceptLanguage() }),
      onEvent: handle,
      onOpen: () => {
        lastEventMs.value = Date.now()
        waiting = waiting ?? []
        void reload()
      },
      onState: (state) => {
        link.value = state
        if (state === 'live') lostSinceMs.value = null
        else lostSinceMs.value ??= connection?.lastByteMs || Date.now()
      },
      onRefused: () => whenRefused(),
    })
    connection.start()
    timer = setInterval(() => {
      if (link.value === 'live' && !document.hidden) void refreshAssets().catch((error: unknown) => asProblem(error))
    }, ASSETS_EVERY_MS)
    window.addEventListener('online', hurry)
    document.addEventListener('visibilitychange', hurry)
  }

  function hurry(): void {
    if (!document.hidden && link.value === 'lost') connection?.hurry()
  }

  function stop(): void {
    connection?.stop()
    connection = null
    clearInterval(timer)
    window.removeEventListener('online', hurry)
    document.removeEventListener('visibilitychange', hurry)
    loaded.value = false
    site.value = null
    assets.value = new Map()
    alarms.clear()
    orders.clear()
    incidents.clear()
    points.clear()
    byId.clear()
    health.value = null
    lostSinceMs.value = null
    link.value = 'connecting'
  }

  // ---- derived ------------------------------------------------------------------------------------------------

  const sortedAlarms = computed(() => [...alarms.values()].sort(byUrgency))
  const sortedOrders = computed(() => [...orders.values()].sort(byDue))
  /** Nobody is on it yet and people are being called: calls for help first, then who waits longest. */
  const calling = computed(() =>
    [...incidents.values()]
      .filter((one) => one.urgent && one.state === 'reported')
      .sort((a, b) => Number(b.kind === 'sos') - Number(a.kind === 'sos') || a.received_ms - b.received_ms),
  )
  const unacknowledged = computed(() => sortedAlarms.value.filter(isUnacknowledged).length)
  const counts = computed(() => {
    const found: Record<Priority, number> = { critical: 0, high: 0, medium: 0, low: 0 }
    for (const alarm of alarms.values()) found[alarm.priority] += 1
    return found
  })
  const trouble = computed(() => {
    const found = new Map<string, AssetTrouble>()
    for (const alarm of alarms.values()) {
      const at = found.get(alarm.asset) ?? { worst: alarm.priority, acute: false, alarms: 0, unacknowledged: 0, orders: 0 }
      if (rank(alarm.priority) < rank(at.worst)) at.worst = alarm.priority
      at.alarms += 1
      if (alarm.active && alarm.priority === 'critical') at.acute = true
      if (isUnacknowledged(alarm)) at.unacknowledged += 1
      found.set(alarm.asset, at)
    }
    for (const order of orders.values()) {
      const at = found.get(order.asset)
      if (at) at.orders += 1
    }
    return found
  })

  /**
   * Assets of which everything is old; a dead line of ours makes every asset silent, and rightly so. Looked at once per
   * tick for all, and handed on only when it changed, so that the drawings are not made again for nothing.
   */
  const silent = computed<Set<string>>((before) => {
    const found = new Set<string>()
    for (const [asset, known] of points) {
      if (known.size > 0 && ![...known.values()].some((point) => !isStale(point, clock.now.value))) found.add(asset)
    }
    return before && before.size === found.size && [...found].every((asset) => before.has(asset)) ? before : found
  })

  function isSilent(assetId: string): boolean {
    return silent.value.has(assetId)
  }

  function personName(id: string | null): string | null {
    return id === null ? null : (people.value.get(id)?.name ?? id)
  }

  return {
    site, kinds, people, assets, health, alarms, orders, incidents, points, link, lastEventMs, lostSinceMs, loaded, problem,
    latestAlarm, latestOrder, latestIncident, latestNotice, calling, sortedAlarms, sortedOrders, unacknowledged, counts, trouble, PRIORITIES,
    start, stop, reload, loadAsset, takeAlarm, takeOrder, takeIncident, isSilent, personName, hurry,
  }
})
