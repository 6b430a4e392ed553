import './style/tokens.css'
import './style/main.css'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router } from './router'
import { startTheme } from './shell/theme'
import { i18n, startWords } from './words'

startTheme()
await startWords()
createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')
