export type { Node } from './node.ts'
export { startNode } from './node.ts'
