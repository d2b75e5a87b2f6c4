export type { Leader } from './leader.ts'
export { startLeader } from './leader.ts'
export type { Node } from './node.ts'
export { startNode } from './node.ts'
