export { isMetadataAddress, isMetadataHost } from './address.ts'
export type { FetchOutcome, FetchRequest, GuardedFetch, GuardedFetchParts } from './guarded-fetch.ts'
export { createGuardedFetch } from './guarded-fetch.ts'
export { describePolicy, type FetchOptions } from './policy.ts'
