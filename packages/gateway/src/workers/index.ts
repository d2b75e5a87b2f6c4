export { runWorkers } from './parent.ts'
export type { WorkerLink } from './worker-link.ts'
export { connectToParent } from './worker-link.ts'
