import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from '../faults/eventually.ts'

/** The worker processes of a parent, by their numbers. Linux only. */
export function workersOf(parent: number): ReadonlyMap<number, number> {
  const workers = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const number = workerNumber(entry, parent)
    if (number !== undefined) workers.set(number, Number(entry))
  }
  return workers
}

function workerNumber(process: string, parent: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, 'latin1')
    const [state, of] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(of) !== parent || state === 'Z') return undefined
    const words = readFileSync(`/proc/${process}/cmdline`, 'latin1').split('\0')
    const at = words.indexOf('--worker')
    return at === -1 ? undefined : Number(words[at + 1])
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined // it ended meanwhile
    throw error
  }
}

export const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return !/^\S+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

export const untilGone = (pids: readonly number[], withinMs: number) =>
  eventually(() => (pids.some(isAlive) ? undefined : true), undefined, withinMs)

export async function readMetrics(url: string): Promise<string> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`)
  return response.text()
}

/** The sum of all samples that begin so. */
export function metricOf(text: string, start: string): number {
  const lines = text.split('\n').filter(line => line.startsWith(start))
  if (lines.length === 0) throw new Error(`there is no ${start}`)
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
