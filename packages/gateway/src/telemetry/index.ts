export type { Log } from './log.ts'
export { createLog, errorFields } from './log.ts'
export { createMetrics } from './metrics.ts'
export { createObserver } from './observer.ts'
