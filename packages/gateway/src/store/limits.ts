/** Bounds of the store. Reaching one is a `StoreError('unavailable')`, a normal event. */
export const storeLimits = {
  /** Calls that wait for one SQLite worker. */
  pendingCallsMax: 1_000,
  /** How long a read or a write may take, waiting included. A node lives 90 s without its store. */
  readDeadlineMs: 15_000,
  writeDeadlineMs: 30_000,
  /** Building an index over years of charges takes its time. */
  migrateDeadlineMs: 30 * 60_000,
  closeDeadlineMs: 5_000,
  /** A worker that dies is started again by the next call, unless it died this often in a window. */
  workerDeathsMax: 5,
  workerDeathsWindowMs: 60_000,
  /** A reader that nobody asks for so long ends. */
  readerIdleMsMax: 60_000,
  /** Heaps of a worker; bounds, not uses: at rest a worker costs 7 to 11 MB. */
  workerOldSpaceMb: 128,
  workerYoungSpaceMb: 8,
  /** How long SQLite waits for another process that writes. */
  busyTimeoutMs: 5_000,
  /** Page cache of one SQLite connection. */
  cacheKib: 4_096,
  /** Statements kept prepared, per connection. */
  statementsMax: 200,
  /** Rows that one statement may answer: some 100 MB at the most. Lists are read in pages. */
  rowsMax: 100_000,
  /**
   * The write-ahead log is cut to this size; from the second number on, writers wait for readers to leave it.
   */
  walKeepBytes: 16 * 1024 * 1024,
  walBytesMax: 64 * 1024 * 1024,
  /** Writes between two looks at the size of the write-ahead log. */
  walCheckEvery: 50,
  poolConnectionsMax: 10,
  connectTimeoutMs: 5_000,
} as const
