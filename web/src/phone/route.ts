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

/** The token of a sticker that somebody opened with another scanner and then chose to check in by, on the sticker's own
 * page. A link from anywhere else checks nobody in: it only opens the scanner. */
export function takeSticker(): string | null {
  const found = /^#sticker=([A-Za-z0-9_.%-]{4,200})$/.exec(location.hash)
  if (!found?.[1]) return null
  history.replaceState(null, '', '/m#/scan')
  read()
  return document.referrer.startsWith(`${location.origin}/s/`) ? decodeURIComponent(found[1]) : null
}

/** The one-time code of an enrolment link, taken out of the address at once so that it does not stay in the history. */
export function takeEnrolment(): string | null {
  const found = /^#(?:enrol|code)=([A-Za-z0-9_.~-]{4,128})$/.exec(location.hash)
  if (!found?.[1]) return null
  history.replaceState(null, '', '/m#/setup')
  read()
  return found[1]
}
