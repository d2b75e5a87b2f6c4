import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** One line of /proc/<pid>/stat, as far as we read it (proc(5), read 2026-11-25). */
export interface ProcessStat {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** User and system time of all threads, living and ended, and of children that were waited for. */
  readonly cpuTicks: number
}

export interface TreeSample {
  readonly processes: number
  readonly cpuMs: number
  readonly rssMb: number
  /** Sum of each process's own highest RSS: exact for one process, an upper bound for several. */
  readonly peakRssMb: number
}

const millisecondsPerTick = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** CPU time and memory of `root` and of everything that it started. Throws when `root` is gone. */
export function sampleTree(root: number): TreeSample {
  const tree = treeOf(root, readAllStats())
  if (tree.length === 0) throw new Error(`process ${root} is gone: it cannot be measured`)
  let [cpuTicks, rssKb, peakRssKb] = [0, 0, 0]
  for (const stat of tree) {
    const memory = parseStatus(readProcFile(stat.pid, 'status'))
    cpuTicks += stat.cpuTicks
    rssKb += memory.rssKb
    peakRssKb += memory.peakRssKb
  }
  return {
    processes: tree.length,
    cpuMs: cpuTicks * millisecondsPerTick,
    rssMb: rssKb / 1024,
    peakRssMb: peakRssKb / 1024,
  }
}

/** `root`, its descendants, and members of its process group whose parent has ended. */
export function treeOf(root: number, stats: readonly ProcessStat[]): readonly ProcessStat[] {
  const members = new Set<number>([root])
  let before = 0
  while (members.size > before) {
    before = members.size
    for (const stat of stats) if (members.has(stat.parent) || stat.group === root) members.add(stat.pid)
  }
  return stats.filter(stat => members.has(stat.pid))
}

/** The name, in brackets, may hold blanks and brackets of its own: fields are counted from the last one. */
export function parseStat(text: string): ProcessStat | undefined {
  const nameEnd = text.lastIndexOf(')')
  if (nameEnd < 0) return undefined
  const fields = text.slice(nameEnd + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    group: field(5),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
  }
}

/** Memory of one process; a process that is ending has none. */
export function parseStatus(text: string): { readonly rssKb: number; readonly peakRssKb: number } {
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return { rssKb: kilobytes('VmRSS'), peakRssKb: kilobytes('VmHWM') }
}

function readAllStats(): readonly ProcessStat[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids.map(pid => parseStat(readProcFile(Number(pid), 'stat'))).filter(stat => stat !== undefined)
}

/** Empty for a process that ended between the listing and the reading. */
function readProcFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH') return ''
    throw error
  }
}
