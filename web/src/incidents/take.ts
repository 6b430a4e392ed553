/** "I am on it": stops the calling, names the person, and says so. */

import { act } from '@/api/client'
import type { Incident, IncidentDetail } from '@/api/types'
import { clock } from '@/live/clock'
import { useEstate } from '@/live/estate'
import { useSession } from '@/session/session'
import { tell } from '@/shell/notices'
import { say, t } from '@/words'
import { clockTime } from '@/words/time'

/** Throws Problem; 409 `taken` when somebody else was faster. */
export async function takeIncident(incident: Incident): Promise<IncidentDetail> {
  const body = { from: incident.taken_by }
  const done = await act<IncidentDetail>(`/incidents/${encodeURIComponent(incident.id)}/take`, body)
  useEstate().takeIncident(done)
  tell(t('incident.wasTaken', { what: say(done.title), name: useSession().person?.name ?? '', time: clockTime(clock.read()) }))
  return done
}

/** May this person take it? Nobody answers a call for help of their own. */
export function mayTake(incident: Incident): boolean {
  const session = useSession()
  const own = incident.kind === 'sos' && incident.reporter === session.person?.id
  return incident.state !== 'closed' && session.may('dispatch') && !own && incident.taken_by !== session.person?.id
}

/** Where it is, with its floor. A call for help knows only where its phone scanned last. */
export function whereText(incident: Incident): string {
  const said = incident.place ? say(incident.place) : t('incident.noPlace')
  const place = incident.kind === 'sos' && incident.checkpoint ? t('incident.lastScan', { place: said }) : said
  return incident.floor ? `${place} · ${say(incident.floor)}` : place
}
