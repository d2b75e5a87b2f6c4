export { connectRedis, pingRedis } from './connect-redis.ts'
export { createLimiter, type Limiter, type SharedBuckets } from './limiting.ts'
export type { Admission, Counter, Refusal, Seat, Standing } from './types.ts'
