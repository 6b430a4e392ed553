import { createApp } from 'vue'
import '@/style/tokens.css'
import './phone.css'
import App from './App.vue'
import { watchSleep } from './boot'
import { watchPosition } from './position'
import { go, takeEnrolment } from './route'
import { startServiceWorker } from './offline'
import { enrolment } from './setup'
import { owner, start } from './state'
import { startWords } from './words'

startWords()
watchSleep()
const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = (): boolean => document.documentElement.classList.toggle('dark', dark.matches)
dark.addEventListener('change', paint)
paint()

enrolment.value = takeEnrolment()
addEventListener('hashchange', () => { enrolment.value = takeEnrolment() ?? enrolment.value })
await start()
if (!owner.value && !location.hash) go('setup')
createApp(App).mount('#app')
startServiceWorker()
void watchPosition()
