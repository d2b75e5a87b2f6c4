import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { help, parseCommand, type RunCommand } from './arguments.ts'
import { type Bench, type Row, scales } from './bench.ts'
import { createChildren } from './children.ts'
import { startLoad } from './load-client.ts'
import { type Report, type RowReport, renderMarkdown, renderText } from './report.ts'
import { rows } from './rows/index.ts'
import { createBareProxy } from './systems.ts'
import { startUpstream } from './upstream-client.ts'
import { createYumen } from './yumen.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const resultsFile = fileURLToPath(new URL('./results.md', import.meta.url))

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const rowNames = rows.map(row => row.name)
  const command = parseCommand(args, rowNames)
  switch (command.kind) {
    case 'help':
      process.stdout.write(help)
      return 0
    case 'list':
      process.stdout.write(rows.map(row => `${row.name.padEnd(14)}${row.about}\n`).join(''))
      return 0
    case 'wrong':
      process.stderr.write(`bench: ${command.message}\n`)
      return 2
    case 'run':
      return publish(command, await run(command))
  }
}

function publish(command: RunCommand, report: Report): number {
  process.stdout.write(
    command.printsJson ? `${JSON.stringify(report, undefined, 2)}\n` : `${renderText(report)}\n`,
  )
  if (command.recordDate !== undefined) writeFileSync(resultsFile, renderMarkdown(report, command.recordDate))
  return report.rows.some(row => row.failure !== undefined) ? 1 : 0
}

/** Sets the scene, runs the rows one after another, and clears up, also when it is interrupted. */
async function run(command: RunCommand): Promise<Report> {
  const startMs = performance.now()
  const scratch = mkdtempSync(join(tmpdir(), 'yumen-bench-'))
  const children = createChildren(root)
  const clearUp = () => {
    children.killAll()
    rmSync(scratch, { recursive: true, force: true })
  }
  process.on('exit', clearUp)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

  const upstream = await startUpstream(children, scratch)
  const load = await startLoad(children)
  const parts = { children, upstream, makeFolder: createFolderMaker(scratch) }
  const subjects = {
    yumen: () => createYumen(root, parts),
    'stand-in': () => createBareProxy('stand-in', parts),
  }
  const bench: Bench = {
    scale: scales[command.scale],
    floor: createBareProxy('floor', parts),
    twoFloors: createBareProxy('two floors', parts, 2),
    subject: subjects[command.subject](),
    twoWorkers: command.subject === 'yumen' ? createYumen(root, parts, 2) : undefined,
    upstream,
    load,
    makeFolder: parts.makeFolder,
    say: line => process.stderr.write(`${line}\n`),
  }
  const reports: RowReport[] = []
  for (const row of rows) {
    if (command.only.length === 0 || command.only.includes(row.name)) reports.push(await runRow(bench, row))
  }
  load.stop()
  await upstream.stop()
  clearUp()
  const seconds = (performance.now() - startMs) / 1000
  return {
    machine: machineFacts(),
    scale: command.scale,
    subject: bench.subject.name,
    rows: reports,
    seconds,
  }
}

/** A row that cannot be run is reported as failed; the others go on. */
async function runRow(bench: Bench, row: Row): Promise<RowReport> {
  const startMs = performance.now()
  bench.say(`${row.name}: ${row.about}`)
  const report = { row: row.name, about: row.about }
  try {
    const result = await row.run(bench)
    bench.say(`  took ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
    return { ...report, failure: undefined, result }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    bench.say(`  failed: ${failure}`)
    return { ...report, failure, result: undefined }
  }
}

function createFolderMaker(scratch: string): (name: string) => string {
  let count = 0
  return name => {
    const folder = join(scratch, `${name}-${++count}`)
    mkdirSync(folder)
    return folder
  }
}

function machineFacts() {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryMb: totalmem() / 1024 / 1024,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  }
}
