/** Photos of one thing: taken, made smaller, kept on this phone, shown by what is kept. */

import { onBeforeUnmount, ref, type Ref, watch } from 'vue'
import { shrink } from './photo'
import { attempt, notice } from './state'
import { database } from './store/db'
import { keepPhoto } from './store/scans'
import { t } from './words'

export interface Shot { hash: string; url: string; at: number }

/** The pictures of these hashes as they are on this phone. */
export function useShots(hashes: () => readonly string[]): Ref<Shot[]> {
  const shots = ref<Shot[]>([])
  watch(hashes, async (wanted) => {
    const db = await database()
    const kept = await Promise.all(wanted.map(async (hash) => shots.value.find((one) => one.hash === hash) ?? db.get('photos', hash)))
    const old = shots.value
    shots.value = kept.filter((one) => one !== undefined).map((one) => ('url' in one ? one : { hash: one.sha256, url: URL.createObjectURL(new Blob([one.bytes], { type: 'image/jpeg' })), at: one.taken_ms }))
    for (const one of old) if (!shots.value.includes(one)) URL.revokeObjectURL(one.url)
  }, { immediate: true })
  onBeforeUnmount(() => shots.value.forEach((one) => URL.revokeObjectURL(one.url)))
  return shots
}

/** The file somebody chose or took, kept under `owner`; its hash, or null when there is none (why is said in `notice`). */
export async function takeShot(event: Event, owner: string): Promise<string | null> {
  const input = event.target as HTMLInputElement
  const file = input.files?.[0]
  input.value = ''
  if (!file) return null
  let bytes: ArrayBuffer
  try {
    bytes = await shrink(file)
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    notice.value = t('point.photoFailed')
    return null
  }
  let hash: string | null = null
  await attempt(async () => { hash = await keepPhoto(bytes, owner) })
  return hash
}
