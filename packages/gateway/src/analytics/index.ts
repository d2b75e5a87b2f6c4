export type { RequestEntry, RequestFilter, RequestPage, RequestQuery, UsageHour } from './queries.ts'
export { findRequest, firstIdAt, listRequests, usageByHour } from './queries.ts'
