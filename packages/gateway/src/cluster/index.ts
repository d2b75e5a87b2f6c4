export type { LivingNodes } from './living-nodes.ts'
export { watchLivingNodes } from './living-nodes.ts'
export type { Node } from './node.ts'
export { startNode } from './node.ts'
