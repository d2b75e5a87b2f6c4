import type { Crew, Member } from './crew.ts'
import { type MetricsPart, sumEnded, sumMetrics, totalOf } from './sum-metrics.ts'

export interface MetricsSum {
  /** The metrics of this machine, within `timeoutMs`: a worker that does not answer is told by what it said last. */
  ask(): Promise<string>
  /** Keeps what a worker that has ended counted: a sum never goes down. */
  keep(member: Member): void
}

export function createMetricsSum({
  timeoutMs,
  count,
  crew,
}: {
  readonly timeoutMs: number
  /** Places that a worker should be in. */
  readonly count: number
  readonly crew: () => Pick<Crew, 'members' | 'restarts'>
}): MetricsSum {
  let ended = ''
  let asking: Promise<string> | undefined

  async function collect(): Promise<string> {
    const { members, restarts } = crew()
    const asked = [...members].filter(member => member.state !== 'starting')
    const answers = await Promise.all(
      asked.map(async member => ({
        member,
        number: member.number,
        ...(await member.process.askMetrics(timeoutMs)),
      })),
    )
    // Who ended meanwhile is in `ended` by now: it is not counted twice.
    const living = answers.filter(({ member }) => members.has(member))
    const parts: MetricsPart[] = living.map(({ number, text }) => ({ worker: number, text }))
    return sumMetrics([
      { worker: undefined, text: ended },
      ...parts,
      { worker: 0, text: describeWorkers({ told: living, count, restarts }) },
    ])
  }

  return {
    ask() {
      asking ??= collect().finally(() => {
        asking = undefined
      })
      return asking
    },
    keep(member) {
      ended = sumEnded([ended, member.process.lastMetrics])
    },
  }
}

interface Told {
  readonly number: number
  readonly member: Member
  readonly text: string
  readonly isAnswer: boolean
}

interface Places {
  readonly told: readonly Told[]
  readonly count: number
  readonly restarts: number
}

/** What only the parent knows: who answers, how evenly they work, how often one died. */
function describeWorkers({ told, count, restarts }: Places): string {
  const perWorker = (value: (worker: Told) => number, name: string) =>
    [...new Map(told.map(worker => [worker.number, value(worker)]))].map(
      ([number, found]) => `${name}{worker="${number}"} ${found}`,
    )
  const answering = new Set(told.filter(({ isAnswer }) => isAnswer).map(({ number }) => number))
  const up = Array.from(
    { length: count },
    (_, index) => `yumen_worker_up{worker="${index + 1}"} ${answering.has(index + 1) ? 1 : 0}`,
  )
  const connections = perWorker(({ member }) => member.process.load, 'yumen_worker_connections')
  const requests = perWorker(
    ({ text }) => totalOf(text, 'yumen_requests_total'),
    'yumen_worker_requests_total',
  )
  return [
    '# HELP yumen_worker_up Whether a worker is in this place and told its metrics in time.',
    '# TYPE yumen_worker_up gauge',
    ...up,
    '# HELP yumen_worker_connections Open client connections of each worker.',
    '# TYPE yumen_worker_connections gauge',
    ...connections,
    '# HELP yumen_worker_requests_total Ended requests of each worker, since it was started.',
    '# TYPE yumen_worker_requests_total counter',
    ...requests,
    '# HELP yumen_worker_restarts_total Times that a worker that had died was started again.',
    '# TYPE yumen_worker_restarts_total counter',
    `yumen_worker_restarts_total ${restarts}`,
  ].join('\n')
}
