import type { FaultClass } from '../outcome.ts'
import { body } from './body.ts'
import { connection } from './connection.ts'
import { streamCuts, wholeCuts } from './cuts.ts'
import { status } from './status.ts'
import { afterContent, beforeContent, oddStreams } from './stream.ts'
import { time } from './time.ts'

/** What is expected of every fault: the page and the assertions are made from it. */
export const faultClasses: readonly FaultClass[] = [
  connection,
  time,
  status,
  body,
  wholeCuts,
  beforeContent,
  afterContent,
  streamCuts,
  oddStreams,
]
