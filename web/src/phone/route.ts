/** Where in the page we are: the part after `#`, so that the phone's back button works and no server is asked. */

import { computed, ref } from 'vue'

const hash = ref('')
const read = (): void => { hash.value = location.hash }
addEventListener('hashchange', read)
read()

/** `#/point/<id>` -> {screen: 'point', id} */
export const route = computed(() => {
  const [, screen = '', id = ''] = hash.value.replace(/^#/, '').split('/')
  return { screen: screen || 'today', id: decodeURIComponent(id) }
})

export function go(screen: string, id = ''): void {
  location.hash = id ? `/${screen}/${encodeURIComponent(id)}` : `/${screen}`
}

/** A sticker that was opened with another scanner. `sure`: chosen on the sticker's own page; a link from anywhere else (or
 * over the step from http to https, which no browser tells of) is asked about first, so that nobody is checked in unawares. */
export interface Given { token: string; sure: boolean }

export function takeSticker(): Given | null {
  const found = /^#sticker=([A-Za-z0-9_.%-]{4,200})$/.exec(location.hash)
  if (!found?.[1]) return null
  history.replaceState(null, '', '/m#/scan')
  read()
  return { token: decodeURIComponent(found[1]), sure: document.referrer.startsWith(`${location.origin}/s/`) }
}

/** The one-time code of an enrolment link, taken out of the address at once so that it does not stay in the history. */
export function takeEnrolment(): string | null {
  const found = /^#(?:enrol|code)=([A-Za-z0-9_.~-]{4,128})$/.exec(location.hash)
  if (!found?.[1]) return null
  history.replaceState(null, '', '/m#/setup')
  read()
  return found[1]
}
