/** What was just done, said once and read aloud: who, what, when. Not for errors, those stay where they happened. */

import { ref } from 'vue'

export const notice = ref('')
let timer: ReturnType<typeof setTimeout> | undefined

export function tell(text: string): void {
  notice.value = text
  clearTimeout(timer)
  timer = setTimeout(() => (notice.value = ''), 6000)
}
