/** A latched alarm stays until a person says it is over. */

import { act } from '@/api/client'
import type { Alarm } from '@/api/types'
import { tell } from '@/shell/notices'
import { say, t } from '@/words'

/** Throws Problem. The rule engine answers through the stream; until then the alarm stands as it was. */
export async function resetAlarm(alarm: Alarm): Promise<Alarm> {
  const answer = await act<Alarm>(`/alarms/${alarm.id}/reset`)
  tell(t('alarm.wasReset', { what: say(alarm.title) }))
  return answer
}
