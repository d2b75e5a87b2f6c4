export { catalogue, findProvider } from './catalogue.ts'
export { operations } from './provider.ts'
export type { Ask, Endpoints, MemberEdit, Operation, Provider } from './provider.ts'
