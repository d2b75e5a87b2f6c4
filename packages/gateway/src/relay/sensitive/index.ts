export type { SensitiveCheck } from './sensitive.ts'
export { createSensitiveCheck } from './sensitive.ts'
