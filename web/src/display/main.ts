/** A wall tablet or an old phone beside a checkpoint: the QR code of this half minute, full screen.
 *
 * It has no session, only its link's secret, and no framework, no `fetch`, nothing younger than 2017: see old-browsers.ts.
 */

import '@/style/tokens.css'
import './display.css'
import type { DisplayCode } from '@/api/types'
import { type Held, isVoid, leftMs, linkOf, secondsLeft, serverNow, since, type Watch, watchNow } from './span'
import { clock, day, language, say, speak, startWords, t } from './words'

const TICK_MS = 250
const PATIENCE_MS = 10_000
const AGAIN_MS = 3000
/** After a refusal: asked for now and then only, in case somebody prints or switches on again. */
const RARELY_MS = 60_000

const app = document.getElementById('app') as HTMLElement
let held: Held | null = null
/** What the server said when it refused. */
let refused = ''
/** When the line broke. */
let lost: Watch | null = null
let asking = false
let next: { from: Watch; wait_ms: number } | null = null
let picture = ''

function element(name: string, id: string, text = ''): HTMLElement {
  const made = document.createElement(name)
  made.setAttribute('data-testid', id)
  made.className = id
  made.textContent = text
  return made
}

const site = element('p', 'site')
const title = element('h1', 'title')
const image = element('img', 'qr') as HTMLImageElement
const blank = element('div', 'blank')
const why = element('h2', 'why')
const hint = element('p', 'hint')
const time = element('p', 'time')
const left = element('p', 'left')
const bar = element('div', 'bar')
const fill = element('div', 'fill')
const line = element('p', 'lost')
const ends = element('p', 'ends')
const other = element('button', 'other') as HTMLButtonElement

function build(): void {
  blank.appendChild(why)
  blank.appendChild(hint)
  bar.appendChild(fill)
  bar.setAttribute('aria-hidden', 'true')
  line.setAttribute('role', 'status')
  other.type = 'button'
  other.onclick = () => { speak(language() === 'zh' ? 'en' : 'zh', true); paint() }
  const top = document.createElement('header')
  const main = document.createElement('main')
  const foot = document.createElement('footer')
  for (const part of [site, other, title]) top.appendChild(part)
  for (const part of [image, blank]) main.appendChild(part)
  for (const part of [time, left, bar, line, ends]) foot.appendChild(part)
  for (const part of [top, main, foot]) app.appendChild(part)
}

const show = (part: HTMLElement, on: boolean): void => { part.hidden = !on }
function put(part: HTMLElement, text: string): void {
  if (part.textContent !== text) part.textContent = text // else a screen reader says it four times a second
  show(part, text !== '')
}

/** The SVG as a picture: an image runs nothing. */
function draw(svg: string): void {
  const before = picture
  picture = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }))
  image.src = picture
  if (before) URL.revokeObjectURL(before)
}

function paint(): void {
  const now = watchNow()
  const link = linkOf(location.pathname, location.hash)
  const code = held ? held.code : null
  const live = !!link && !refused && !!held && !isVoid(held, now)
  document.title = code ? `${say(code.title)} · ${t('app.title')}` : t('app.title')
  put(site, code ? `${say(code.site)} · ${say(code.space_title)}` : '')
  put(title, code ? say(code.title) : t('app.title'))
  put(other, t('app.other'))
  other.lang = language() === 'zh' ? 'en' : 'zh-CN'
  show(image, live)
  show(blank, !live)
  if (code) image.alt = t('code.qr', { title: say(code.title) })
  if (!live && held && picture) { // not only hidden: a stale code must not be found in the page either
    URL.revokeObjectURL(picture)
    picture = ''
    image.removeAttribute('src')
  }
  put(why, !link ? t('link.incomplete') : refused || (held || lost ? t('code.none') : t('app.loading')))
  put(hint, !link || refused ? t('link.hint') : held || lost ? t('code.noneHint') : '')
  put(time, code && held ? clock(serverNow(held, now), code.zone) : '')
  const seconds = live && held ? secondsLeft(held, now) : 0
  put(left, live ? (seconds > 0 ? t('code.next', { n: seconds }) : t('code.use')) : '')
  show(bar, live)
  if (live && held && code) fill.style.width = `${Math.max(0, Math.min(100, leftMs(held, now) / 300))}%`
  const away = lost ? Math.floor(since(lost, now) / 1000) : 0
  put(line, !lost ? '' : away < 120 ? t('link.lost', { n: away }) : t('link.lostLong', { n: Math.floor(away / 60) }))
  put(ends, code && code.link_ends_ms !== null ? t('link.ends', { date: day(code.link_ends_ms, code.zone) }) : '')
}

function wait(wait_ms: number): void {
  next = { from: watchNow(), wait_ms }
}

function ask(): void {
  const link = linkOf(location.pathname, location.hash)
  if (!link || asking) return
  asking = true
  const asked = watchNow()
  const request = new XMLHttpRequest()
  request.open('GET', `/api/v1/displays/${link.checkpoint}`)
  request.timeout = PATIENCE_MS
  request.setRequestHeader('X-Caretaker-Display', link.secret)
  request.setRequestHeader('Accept-Language', language() === 'zh' ? 'zh-CN' : 'en')
  request.onloadend = () => {
    asking = false
    hear(request, asked)
    paint()
  }
  request.send()
}

function hear(request: XMLHttpRequest, asked: Watch): void {
  const body = read(request.responseText)
  if (request.status === 200 && body) {
    held = { code: body as unknown as DisplayCode, asked, came: watchNow() }
    refused = ''
    lost = null
    draw(held.code.svg)
    wait(Math.max(1000, leftMs(held, watchNow())))
  } else if ((request.status === 404 || request.status === 409 || request.status === 422) && body) {
    held = null
    lost = null
    refused = String(body.title)
    wait(RARELY_MS)
  } else { // nobody answers, a proxy does, or we ask too often
    if (!lost) lost = asked
    wait(request.status === 429 ? (Number(request.getResponseHeader('Retry-After')) || 5) * 1000 : AGAIN_MS)
  }
}

function read(text: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' ? (found as Record<string, unknown>) : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function tick(): void {
  const now = watchNow()
  if (!next || since(next.from, now) >= next.wait_ms) ask()
  paint()
}

/** Keep the screen on where the browser can (https); elsewhere the tablet's own setting has to. */
function stayAwake(): void {
  const lock = (navigator as { wakeLock?: { request(type: 'screen'): Promise<unknown> } }).wakeLock
  if (lock && document.visibilityState === 'visible') lock.request('screen').then(() => undefined, () => undefined) // low battery: it says no
}

startWords()
const dark = matchMedia('(prefers-color-scheme: dark)')
const shade = (): void => { document.documentElement.classList.toggle('dark', dark.matches) }
dark.addListener(shade) // addEventListener came to media queries in 2020
shade()
build()
addEventListener('hashchange', () => location.reload()) // an answer to the old link may still be on its way
addEventListener('online', () => { next = null; tick() })
document.addEventListener('visibilitychange', () => { stayAwake(); tick() })
setInterval(tick, TICK_MS)
stayAwake()
tick()
