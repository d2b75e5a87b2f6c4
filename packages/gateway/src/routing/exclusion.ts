/** Why a channel or a key gets no request now. `soft`: tried after all others have failed, for it may be well again. */
export interface Exclusion {
  readonly reason:
    | 'key_refused'
    | 'key_out_of_quota'
    | 'rate_limited'
    | 'overloaded'
    | 'region'
    | 'model_unavailable'
    | 'breaker_open'
    | 'slow_outlier'
    | 'failing_outlier'
    | 'at_concurrency_ceiling'
    | 'at_rate_ceiling'
  readonly isSoft: boolean
  /** On the clock of routing; `undefined` where no time is known. */
  readonly until: number | undefined
}
