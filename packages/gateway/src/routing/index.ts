export { createRouting } from './routing.ts'
export type { Candidate, NoRoute, Plan, RouteAsk, Routing } from './types.ts'
