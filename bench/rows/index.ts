import type { Row } from '../bench.ts'
import { channelsRow } from './channels.ts'
import { latencyRow } from './latency.ts'
import { bodiesRow, memoryRow } from './memory.ts'
import { slowLorisRow } from './slow-loris.ts'
import { startRow } from './start.ts'
import { firstTokenRow, streamRow, streams5000Row, streams10000Row } from './streams.ts'
import { applyRow, failingRow, millionRow, tlsRow, whole1kRow, whole200kRow } from './whole.ts'
import { workersRow } from './workers.ts'

/** In the order in which they run. */
export const rows: readonly Row[] = [
  startRow,
  whole1kRow,
  whole200kRow,
  streamRow,
  firstTokenRow,
  latencyRow,
  tlsRow,
  failingRow,
  applyRow,
  millionRow,
  channelsRow,
  workersRow,
  slowLorisRow,
  memoryRow,
  streams5000Row,
  streams10000Row,
  bodiesRow,
]
