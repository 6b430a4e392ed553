/** The report form. What was typed outlives every refusal; the same report sent again is the same report. */

import { asProblem, type Problem } from '@/api/problem'
import { shrink } from '@/phone/photo'
import { sha256 } from '@/phone/sha256'
import { uuid } from '@/phone/uuid'
import type { Report, Sticker } from '@/api/types'
import { type ReportBody, send } from './api'
import { focus, h } from './dom'
import { say, t } from './words'

export interface Photo { sha256: string; bytes: ArrayBuffer }
/** What stands in the form; kept over a change of language. */
export interface Draft { fault: string; description: string; name: string; phone: string; photo: Photo | null; contact: boolean }
export type Sent = (key: string, report: Report, photo: Photo | null) => void

export const emptyDraft = (): Draft => ({ fault: '', description: '', name: '', phone: '', photo: null, contact: false })
const PHONE = '[0-9+\\(\\) .\\-]*'
const MOST = 1000

/** The body of the last try and its key: unchanged, it goes out under the same key. */
let tried: { said: string; key: string } | null = null

function bodyOf(draft: Draft): ReportBody {
  const body = {
    fault: draft.fault, description: draft.description.trim(), photo: draft.photo?.sha256 ?? null,
    name: draft.contact ? draft.name.trim() : '', phone: draft.contact ? draft.phone.trim() : '',
  }
  const said = JSON.stringify(body)
  if (tried?.said !== said) tried = { said, key: uuid() }
  return { key: tried.key, ...body }
}

export function reportForm(sticker: Sticker, draft: Draft, sent: Sent): HTMLElement {
  const alert = h('p', { class: 'bad', role: 'alert', 'data-testid': 'trouble' })
  const button = h('button', { class: 'scanbtn small', type: 'submit', 'data-testid': 'send' }, t('form.send'))
  const complain = (words: string, at?: HTMLElement | null): void => { alert.textContent = words; at?.focus() }

  const faults = h('fieldset', { class: 'faults' }, h('legend', {}, t('form.fault')))
  for (const fault of sticker.faults) {
    const input = h('input', { type: 'radio', name: 'fault', value: fault.id, change: () => { draft.fault = fault.id } })
    input.checked = draft.fault === fault.id
    faults.append(h('label', { class: 'chip' }, input, h('span', {}, say(fault.title))))
  }
  const description = h('textarea', {
    id: 'description', class: 'field', maxlength: MOST, rows: 3, placeholder: t('form.descriptionHint'), 'data-testid': 'description',
    input: () => { draft.description = description.value },
  })
  description.value = draft.description

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    complain('')
    if (!draft.fault) return complain(t('form.sayFault'), faults.querySelector('input'))
    if (!draft.description.trim()) return complain(t('form.saySomething'), description)
    if (draft.contact && !new RegExp(`^${PHONE}$`).test(draft.phone.trim())) return complain(t('form.badPhone'), form.querySelector<HTMLElement>('#phone'))
    button.disabled = true
    button.textContent = t('form.sending')
    try {
      const body = bodyOf(draft)
      const report = await send(body)
      tried = null
      sent(body.key, report, draft.photo)
    } catch (error) {
      complain(why(asProblem(error)))
      focus(alert)
    } finally {
      button.disabled = false
      button.textContent = t('form.send')
    }
  }
  const form = h('form', { novalidate: true, submit: (event: Event) => void submit(event), 'data-testid': 'form' },
    faults,
    h('label', { class: 'name', for: 'description' }, t('form.description')), description,
    photoPart(draft, complain),
    contactPart(draft),
    alert, button,
  )
  return h('section', { class: 'card pad' }, h('h2', {}, t('form.title')), h('p', { class: 'danger' }, t('form.danger')), form)
}

function photoPart(draft: Draft, complain: (words: string) => void): HTMLElement {
  const preview = h('div', { class: 'preview' })
  const label = h('span', {})
  const drop = h('button', { class: 'link', type: 'button', click: () => { draft.photo = null; show() } }, t('form.photoDrop'))
  const input = h('input', { type: 'file', accept: 'image/*', capture: 'environment', 'aria-label': t('form.photoTake'), 'data-testid': 'photo', change: () => void take() })
  let shown = ''

  async function take(): Promise<void> {
    const file = input.files?.[0]
    input.value = ''
    if (!file) return
    complain('')
    try {
      const bytes = await shrink(file)
      draft.photo = { sha256: sha256(new Uint8Array(bytes)), bytes }
    } catch (error) {
      if (!(error instanceof DOMException || error instanceof Error)) throw error
      complain(t('trouble.photo'))
    }
    show()
  }

  function show(): void {
    if (shown) URL.revokeObjectURL(shown)
    shown = draft.photo ? URL.createObjectURL(new Blob([draft.photo.bytes], { type: 'image/jpeg' })) : ''
    label.textContent = t(draft.photo ? 'form.photoAgain' : 'form.photoTake')
    preview.replaceChildren(...(shown ? [h('img', { src: shown, alt: t('form.photoShown') }), drop] : []))
  }
  show()
  return h('div', { class: 'part' }, h('p', { class: 'name' }, t('form.photo')), preview, h('label', { class: 'btn wide file' }, label, input))
}

function contactPart(draft: Draft): HTMLElement {
  const name = h('input', { id: 'name', class: 'field', maxlength: 64, autocomplete: 'name', input: () => { draft.name = name.value } })
  const phone = h('input', { id: 'phone', class: 'field', type: 'tel', inputmode: 'tel', maxlength: 32, autocomplete: 'tel', input: () => { draft.phone = phone.value } })
  name.value = draft.name
  phone.value = draft.phone
  const details = h('details', { class: 'part', toggle: () => { draft.contact = details.open } },
    h('summary', { 'data-testid': 'contact' }, t('form.contact')),
    h('p', { class: 'mut small' }, t('form.contactNote')),
    h('label', { class: 'name', for: 'name' }, t('form.name')), name,
    h('label', { class: 'name', for: 'phone' }, t('form.phone')), phone,
  )
  details.open = draft.contact
  return details
}

/** What went wrong, in the reader's words; the server's own where it says more. */
export function why(problem: Problem): string {
  if (problem.status === 0) return t('trouble.offline')
  const wait = Number(problem.facts.retry_after_s ?? 0)
  if (problem.status === 429) return t('trouble.wait', { why: problem.title, n: Math.max(1, Math.ceil(wait / 60)) })
  if (problem.status >= 500) return t('trouble.server')
  return problem.title + (problem.status === 422 ? ` (${problem.detail})` : '')
}
