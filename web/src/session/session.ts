/** Who is signed in, and what they may do. */

import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { act, get } from '@/api/client'
import { Problem } from '@/api/problem'
import type { Right, Session } from '@/api/types'
import { zone } from '@/words/time'

export const useSession = defineStore('session', () => {
  const session = shallowRef<Session | null>(null)
  /** The server could not say whether we are signed in. */
  const problem = shallowRef<Problem | null>(null)
  const asked = ref(false)
  const person = computed(() => session.value?.person ?? null)

  function take(body: Session): void {
    session.value = body
    zone.value = body.site.zone
  }

  /** Ask the server once per page load who we are. */
  async function load(): Promise<boolean> {
    if (session.value) return true
    try {
      take(await get<Session>('/session'))
      problem.value = null
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      problem.value = error.status === 401 ? null : error
    } finally {
      asked.value = true
    }
    return session.value !== null
  }

  /** Trade a one-time code for a session. Throws Problem. */
  async function signIn(code: string): Promise<void> {
    await act('/session', { code: code.trim() })
    take(await get<Session>('/session'))
  }

  async function signOut(): Promise<void> {
    await act('/session', {}, 'DELETE')
    session.value = null
  }

  function forget(): void {
    session.value = null
  }

  function may(right: Right): boolean {
    return person.value?.rights.includes(right) ?? false
  }

  return { session, person, problem, asked, load, signIn, signOut, forget, may }
})
