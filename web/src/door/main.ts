/** A sticker opened by anybody's scanner: the place, what is being done there, and a form to report. */

import '@/style/tokens.css'
import './door.css'
import { asProblem, type Problem } from '@/api/problem'
import type { Repair, Report, Sticker } from '@/api/types'
import { report as ask, sendPhoto, sticker as read, token } from './api'
import { focus, h } from './dom'
import { emptyDraft, type Photo, reportForm, why } from './form'
import { keepKey, keysHere } from './mine'
import { language, moment, say, speak, startWords, t } from './words'

const EVERY_MS = 60_000
const GONE = 404

let place: Sticker | null = null
let trouble: Problem | null = null
let mine: { key: string; report: Report }[] = []
let last: { key: string; report: Report; photo: Photo | null; sending: boolean } | null = null
let draft = emptyDraft()
const app = document.getElementById('app') as HTMLElement
const standing = h('div', {})
const reports = h('div', {})

function top(): HTMLElement {
  const other = h('button', {
    class: 'link', type: 'button', lang: language() === 'zh' ? 'en' : 'zh-CN', 'data-testid': 'language',
    click: () => { speak(language() === 'zh' ? 'en' : 'zh', true); paint() },
  }, t('app.other'))
  return h('div', { class: 'row' }, h('p', { class: 'sp mut' }, place ? say(place.site) : ''), other)
}

/** The whole page anew: at the start, after a change of language, when a report is sent. */
function paint(): void {
  document.title = place ? `${say(place.asset ?? place.title)} · ${t('app.title')}` : t('app.title')
  const page = h('div', { class: 'page' })
  if (place) paintPlace(page, place)
  else if (trouble) paintTrouble(page, trouble)
  else page.append(h('main', { class: 'main' }, h('p', { class: 'empty', role: 'status' }, t('app.loading'))))
  app.replaceChildren(page)
}

function paintTrouble(page: HTMLElement, wrong: Problem): void {
  const unknown = wrong.code === 'sticker_unknown' || wrong.status === 422
  page.append(h('header', { class: 'head' }, top(), h('h1', {}, unknown ? t('code.unknown') : t('app.title'))))
  const main = h('main', { class: 'main', 'data-testid': 'unreadable' })
  if (unknown) main.append(h('section', { class: 'card pad' }, h('p', {}, t('code.unknownHint')), h('p', { class: 't2' }, t('code.unknownNext'))))
  else main.append(h('section', { class: 'card pad' }, h('p', { role: 'alert' }, why(wrong)), h('button', { class: 'btn wide', type: 'button', click: () => void load() }, t('trouble.again'))))
  page.append(main)
}

function paintPlace(page: HTMLElement, here: Sticker): void {
  const main = say(here.asset ?? here.title)
  const way = [...here.way, ...(here.asset ? [here.title] : [])].map(say).filter((step, at, all) => step !== main && all.indexOf(step) === at)
  page.append(h('header', { class: 'head' }, top(), h('h1', { 'data-testid': 'place' }, main), h('p', { class: 't2' }, way.join(' · '))))
  page.append(h('main', { class: 'main' },
    here.code !== 'valid' && h('p', { class: 'note', role: 'status', 'data-testid': 'code' }, t(`code.${here.code}`)),
    standing, reports,
    last ? done(last) : reportForm(here, draft, sent),
    h('p', { class: 'staff' }, h('a', { class: 'link', href: `/m#sticker=${encodeURIComponent(token)}`, 'data-testid': 'check-in' }, t('staff.checkIn'))),
    /MicroMessenger/i.test(navigator.userAgent) && h('p', { class: 'mut small' }, t('staff.wechat')),
  ))
  paintNews(here)
}

/** What changes by itself: repainted alone, so that nobody's typing is disturbed. */
function paintNews(here: Sticker): void {
  const rows = here.standing.map((repair) => h('li', {}, h('div', { class: 'grow' }, h('p', { class: 't' }, say(repair.title)), ...until(repair, here.zone))))
  standing.replaceChildren(h('section', { class: 'card', 'data-testid': 'standing' },
    rows.length ? h('h2', { class: 'bar' }, t('repair.title')) : h('p', { class: 'bar t2' }, t('repair.none')), rows.length > 0 && h('ul', {}, ...rows)))
  const own = mine.filter((one) => one.key !== last?.key).map(({ report }) => h('li', {}, h('div', { class: 'grow' },
    h('p', { class: 't' }, say(report.fault_title)),
    h('p', { class: 's' }, `${t('mine.number', { number: report.number })} · ${t('mine.at', { time: moment(report.received_ms, here.zone) })}`),
    ...until(report, here.zone),
    report.refused_reason && h('p', { class: 's' }, t('mine.refused', { reason: report.refused_reason })))))
  reports.replaceChildren(...(own.length ? [h('section', { class: 'card', 'data-testid': 'mine' }, h('h2', { class: 'bar' }, t('mine.title')), h('ul', {}, ...own))] : []))
}

/** How far it is, and until when: a line each. */
function until(repair: Pick<Repair, 'progress' | 'due_ms'>, zone: string): HTMLElement[] {
  const state = h('p', { class: 's strong' }, t(`repair.${repair.progress}`))
  if (repair.due_ms === null || repair.progress === 'repaired') return [state]
  return [state, h('p', { class: 's' }, t(repair.due_ms < Date.now() ? 'repair.overdue' : 'repair.due', { time: moment(repair.due_ms, zone) }))]
}

function done(it: NonNullable<typeof last>): HTMLElement {
  const zone = place?.zone ?? 'Asia/Shanghai'
  const lost = it.report.photo === 'awaited'
  return h('section', { class: 'card pad done', 'data-testid': 'done' },
    h('h2', {}, t('done.title')),
    h('p', { class: 'number', 'data-testid': 'number' }, t('mine.number', { number: it.report.number })),
    h('p', {}, t(it.report.joined ? 'done.joined' : 'done.opened')),
    h('div', { class: 'part' }, ...until(it.report, zone)),
    it.report.refused_reason && h('p', {}, t('mine.refused', { reason: it.report.refused_reason })),
    it.report.photo !== 'none' && h('p', { role: 'status', 'data-testid': 'photo-state', 'data-state': it.report.photo }, t(it.sending ? 'done.photoSending' : lost ? 'done.photoLost' : 'done.photoKept')),
    lost && !it.sending && it.photo && h('button', { class: 'btn wide', type: 'button', click: () => void bringPhoto(it) }, t('done.photoAgain')),
    h('p', { class: 't2' }, t('done.later')),
    h('button', { class: 'btn wide', type: 'button', 'data-testid': 'another', click: () => { last = null; paint(); void refresh() } }, t('done.another')),
  )
}

function sent(key: string, report: Report, photo: Photo | null): void {
  last = { key, report, photo, sending: false }
  draft = emptyDraft()
  keepKey(token, key)
  if (photo && report.photo === 'awaited') void bringPhoto(last)
  paint()
  const heading = app.querySelector<HTMLElement>('.done h2')
  if (heading) focus(heading)
  scrollTo({ top: 0 })
  void refresh()
}

async function bringPhoto(it: NonNullable<typeof last>): Promise<void> {
  if (!it.photo || it.sending) return
  it.sending = true
  if (last === it) paint()
  try {
    it.report = await sendPhoto(it.key, it.photo)
  } catch (error) {
    asProblem(error)
  } finally {
    it.sending = false
    if (last === it) paint()
  }
}

async function refresh(): Promise<void> {
  if (!place) return
  try {
    place = await read()
    await loadMine()
    paintNews(place)
  } catch (error) {
    asProblem(error) // the page goes on showing what it knew
  }
}

async function loadMine(): Promise<void> {
  const found: typeof mine = []
  for (const key of keysHere(token).slice(0, 5)) {
    try {
      found.push({ key, report: await ask(key) })
    } catch (error) {
      if (asProblem(error).status !== GONE) throw error
    }
  }
  mine = found
}

async function load(): Promise<void> {
  trouble = null
  paint()
  try {
    place = await read()
    paint()
    await loadMine()
    paintNews(place)
  } catch (error) {
    trouble = asProblem(error)
    if (!place) paint()
  }
}

startWords()
const dark = matchMedia('(prefers-color-scheme: dark)')
const shade = (): boolean => document.documentElement.classList.toggle('dark', dark.matches)
dark.addEventListener('change', shade)
shade()
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') void refresh() })
setInterval(() => { if (document.visibilityState === 'visible') void refresh() }, EVERY_MS)
void load()
