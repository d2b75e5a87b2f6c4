import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createLog } from '#telemetry'
import { connectToParent, runWorkers } from '#workers'

/**
 * Two workers under the real parent, which serve a page and nothing else: they start at once, and limits are short.
 * `folder` holds files that tell them what to do. Run as `small-gateway.ts <folder> <port> <limits as JSON>`.
 */
const [folder = '', port = '', changed = '{}', , number] = process.argv.slice(2)
const limits = {
  connectionsMax: 100,
  metricsTimeoutMs: 200,
  workerReadyMsMax: 20_000,
  workerEarlyEndMs: 1,
  workerEarlyEndsMax: 5,
  workerStopMsMax: 5_000,
  workerPingMs: 100,
  workerStuckMs: 200,
  workerSilentMsMax: 60_000,
  workerHoldMsMax: 20_000,
  workerHeldMax: 100,
  ...JSON.parse(changed),
}
const log = createLog('info')
const isTold = (word: string) => existsSync(join(folder, word))
const untilUntold = async (word: string) => {
  while (isTold(word)) await new Promise(resolve => setTimeout(resolve, 5))
}

if (number === undefined) {
  const parts = { count: 2, port: Number(port), host: '127.0.0.1', limits, log }
  process.exitCode = await runWorkers({ ...parts, clock: () => performance.now() })
  log.flush()
  process.exit()
}

const link = connectToParent({ number: Number(number), limits })
if (isTold(`fail-${number}`)) {
  await new Promise(resolve => setTimeout(resolve, 20))
  process.exit(3)
}
await untilUntold(`wait-${number}`)
const server = createServer((_request, response) => response.end(`${number} ${process.pid}`))
server.emit('listening')
link.takeConnections(socket => server.emit('connection', socket))
link.tellMetrics(async () => '')
link.tellReady()
log.info({ worker: Number(number), pid: process.pid }, 'small worker is ready')
log.flush()
await Promise.race([link.stopped, link.retired.then(() => untilUntold('retire-slowly'))])
process.exit(0)
