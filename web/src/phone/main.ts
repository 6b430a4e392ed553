import { createApp } from 'vue'
import '@/style/tokens.css'
import './phone.css'
import App from './App.vue'
import { watchSleep } from './boot'
import { watchPosition } from './position'
import { go, takeEnrolment, takeSticker } from './route'
import { startServiceWorker } from './offline'
import { enrolment } from './setup'
import { given, notice, owner, start } from './state'
import { startWords, t } from './words'

startWords()
watchSleep()
const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = (): boolean => document.documentElement.classList.toggle('dark', dark.matches)
dark.addEventListener('change', paint)
paint()

enrolment.value = takeEnrolment()
addEventListener('hashchange', () => { enrolment.value = takeEnrolment() ?? enrolment.value })
given.value = takeSticker()
await start()
if (!owner.value && given.value) notice.value = t('setup.sticker')
if (!owner.value && (given.value || !location.hash)) go('setup')
createApp(App).mount('#app')
startServiceWorker()
void watchPosition()
