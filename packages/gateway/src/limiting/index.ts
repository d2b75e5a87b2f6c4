export { connectRedis } from './connect-redis.ts'
export { createLimiter, type Limiter, type SharedBuckets } from './limiting.ts'
export type { Admission, Counter, LimitedCaller, Refusal, Seat, Standing } from './types.ts'
