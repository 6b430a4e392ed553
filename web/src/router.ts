import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { useSession } from '@/session/session'

const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('@/session/SignIn.vue'), meta: { open: true } },
  { path: '/labels', name: 'labels', component: () => import('@/rounds/LabelsPage.vue') },
  {
    path: '/',
    component: () => import('@/shell/ConsoleShell.vue'),
    children: [
      { path: '', name: 'overview', component: () => import('@/overview/OverviewPage.vue') },
      { path: 'board', name: 'board', component: () => import('@/board/BoardPage.vue') },
      { path: 'equipment/:id', name: 'asset', component: () => import('@/assets/AssetPage.vue'), props: true, meta: { nav: 'board' } },
      { path: 'alarms', name: 'alarms', component: () => import('@/alarms/AlarmsPage.vue') },
      { path: 'work-orders', name: 'orders', component: () => import('@/orders/OrdersPage.vue') },
      { path: 'work-orders/:id', name: 'order', component: () => import('@/orders/OrderPage.vue'), props: true, meta: { nav: 'orders' } },
      { path: 'rounds', name: 'rounds', component: () => import('@/rounds/RoundsPage.vue') },
      { path: 'rounds/coverage', name: 'coverage', component: () => import('@/rounds/CoveragePage.vue'), meta: { nav: 'rounds', title: 'coverage' } },
      { path: 'rounds/statistics', name: 'statistics', component: () => import('@/rounds/StatisticsPage.vue'), meta: { nav: 'rounds', title: 'statistics' } },
      { path: 'rounds/:id', name: 'round', component: () => import('@/rounds/RoundPage.vue'), props: true, meta: { nav: 'rounds', title: 'round' } },
      { path: 'handovers', name: 'handovers', component: () => import('@/handovers/HandoversPage.vue'), meta: { nav: 'rounds', title: 'handovers' } },
      { path: 'handovers/:id', name: 'handover', component: () => import('@/handovers/HandoverPage.vue'), props: true, meta: { nav: 'rounds', title: 'handovers' } },
      { path: 'checkpoints', name: 'checkpoints', component: () => import('@/rounds/CheckpointsPage.vue'), meta: { nav: 'rounds' } },
      { path: 'plans', name: 'plans', component: () => import('@/plans/PlansPage.vue'), meta: { nav: 'rounds' } },
      { path: 'plans/new', name: 'new-plan', component: () => import('@/plans/PlanPage.vue'), meta: { nav: 'rounds' } },
      { path: 'plans/:id', name: 'plan', component: () => import('@/plans/PlanPage.vue'), props: true, meta: { nav: 'rounds' } },
      { path: 'reports', name: 'reports', component: () => import('@/reports/ReportsPage.vue'), meta: { nav: 'rounds' } },
      { path: 'phones', name: 'phones', component: () => import('@/rounds/PhonesPage.vue'), meta: { nav: 'rounds' } },
      { path: 'incidents', name: 'incidents', component: () => import('@/incidents/IncidentsPage.vue') },
      { path: 'incidents/:id', name: 'incident', component: () => import('@/incidents/IncidentPage.vue'), props: true, meta: { nav: 'incidents' } },
      { path: 'status', name: 'status', component: () => import('@/status/StatusPage.vue') },
      { path: ':rest(.*)*', name: 'missing', component: () => import('@/shell/MissingPage.vue') },
    ],
  },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (to) => (to.hash ? { el: to.hash } : { top: 0 }),
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  const session = useSession()
  // An unreachable server is no reason to sign in again: the shell shows what is wrong and keeps trying.
  if ((await session.load()) || session.problem) return true
  return { name: 'sign-in', query: to.fullPath === '/' ? {} : { back: to.fullPath } }
})
