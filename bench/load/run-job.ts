import { requestBody } from '../answers.ts'
import { monotonicUs } from '../clock.ts'
import { type Connection, createConnection } from './connection.ts'
import type { LoadJob, LoadProgress, LoadResult } from './job.ts'
import { createPacer } from './pacer.ts'
import { createTally } from './tally.ts'

const progressMs = 200
const connectMs = 250

/**
 * Carries out one job and tells how it went. Always ends: at the job's end plus its grace, whatever the peer
 * does.
 */
export function runJob(job: LoadJob, onProgress: (progress: LoadProgress) => void): Promise<LoadResult> {
  const tally = createTally(job)
  const startUs = monotonicUs()
  return new Promise(resolve => {
    const end = () => {
      clearInterval(progressTimer)
      clearTimeout(graceTimer)
      pacer.stop()
      for (const connection of connections) connection.close()
      resolve(tally.result(monotonicUs() - startUs, pacer.underWay()))
    }
    let graceTimer: NodeJS.Timeout | undefined
    const pacer = createPacer(job, {
      onLastSent: () => {
        graceTimer = setTimeout(end, job.graceMs)
      },
      onIdle: end,
    })
    const request = renderRequest(job) // one buffer for all connections
    const connections = Array.from({ length: job.connections }, () => {
      const connection: Connection = createConnection({
        port: job.port,
        ...request,
        isStreaming: job.isStreaming,
        onOpen: tally.open,
        onOutcome: outcome => {
          tally.record(outcome)
          pacer.free(connection, outcome.error !== undefined)
        },
        onStamp: job.isStamped ? tally.stamp : undefined,
      })
      return connection
    })
    const progressTimer = setInterval(() => onProgress(tally.progress()), progressMs)
    if (job.pace.kind === 'rate') {
      // Connecting is no part of the latency.
      for (const connection of connections) connection.open()
      setTimeout(() => pacer.start(connections), connectMs)
    } else {
      pacer.start(connections)
    }
  })
}

function renderRequest(job: LoadJob): { readonly head: Buffer; readonly body: Buffer } {
  const body = requestBody({ model: job.model, bytes: job.bodyBytes, isStreaming: job.isStreaming })
  const headers = {
    host: `127.0.0.1:${job.port}`,
    'content-type': 'application/json',
    accept: 'application/json',
    'user-agent': 'OpenAI/JS 6.0.0',
    'x-stainless-lang': 'js',
    'x-stainless-retry-count': '0',
    'content-length': String(body.length),
    ...job.headers,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return { head: Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), body }
}
