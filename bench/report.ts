import type { Measure, RowResult, Unit } from './bench.ts'

export interface Report {
  readonly machine: Machine
  readonly scale: string
  readonly subject: string
  readonly rows: readonly RowReport[]
  readonly seconds: number
}

interface Machine {
  readonly cores: number
  readonly cpu: string
  readonly memoryMb: number
  readonly node: string
  readonly platform: string
}

export interface RowReport {
  readonly row: string
  readonly about: string
  /** What ended the row early, when something did. */
  readonly failure: string | undefined
  readonly result: RowResult | undefined
}

export type Verdict = 'pass' | 'goal' | 'miss' | ''

const header = ['row', 'measure', 'floor', 'subject', 'result', 'min … max', 'limit', 'goal', '']

/** `goal` when the goal is reached too; nothing where no limit is set. A report, never an assertion. */
export function judge({ value, limit, goal, least }: Measure): Verdict {
  if (least !== undefined) return value >= least ? 'pass' : 'miss'
  if (limit === undefined) return ''
  if (goal !== undefined && value <= goal) return 'goal'
  return value <= limit ? 'pass' : 'miss'
}

/** The table in columns for a terminal, with the notes below it. */
export function renderText(report: Report): string {
  const lines = tableOf(report)
  const widths = header.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
  const text = lines.map(line =>
    line.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    ),
  )
  const rule = widths.map(width => '─'.repeat(width)).join('──')
  const [head = '', ...rest] = text.map(line => line.join('  ').trimEnd())
  return [describeRun(report), '', head, rule, ...rest, '', ...notesOf(report)].join('\n')
}

/** The same as a Markdown page. */
export function renderMarkdown(report: Report, date: string): string {
  const [head = [], ...rest] = tableOf(report)
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const align = head.map((_, column) => (column < 2 ? '---' : '---:'))
  const notes = notesOf(report).map(note => `- ${note.trim()}`)
  return [
    '# Results of the bench',
    '',
    `Written by \`npm run bench -- --record ${date}\`; how to read it: [README](README.md).`,
    '',
    `${date}. ${describeRun(report)}`,
    '',
    row(head),
    row(align),
    ...rest.map(row),
    '',
    ...notes,
    '',
  ].join('\n')
}

function describeRun({ machine, scale, subject, seconds }: Report): string {
  const { cores, cpu, memoryMb, node, platform } = machine
  return (
    `${subject} against the floor, ${scale} run of ${Math.round(seconds)} s. ` +
    `Node ${node} on ${platform}, ${cores} cores (${cpu}), ${Math.round(memoryMb / 1024)} GB.`
  )
}

function tableOf(report: Report): readonly (readonly string[])[] {
  const lines = report.rows.flatMap(({ row, failure, result }) => {
    const measures = result?.measures ?? []
    const cells = measures.map((measure, index) => [index === 0 ? row : '', ...cellsOf(measure)])
    if (failure !== undefined) return [...cells, [row, 'failed, see below', '', '', '', '', '', '', 'miss']]
    return cells.length > 0 ? cells : [[row, 'not measured, see below', '', '', '', '', '', '', '']]
  })
  return [header.with(3, report.subject), ...lines]
}

function cellsOf(measure: Measure): readonly string[] {
  const { name, unit, value, spread, floor, subject, limit, goal, least } = measure
  const bound = limit === undefined ? (least === undefined ? '' : `≥ ${least}`) : `≤ ${limit}`
  return [
    name,
    floor === undefined ? '' : show(floor.value, floor.unit),
    subject === undefined ? '' : show(subject.value, subject.unit),
    show(value, unit),
    spread === undefined ? '' : `${digits(spread.min)} … ${digits(spread.max)}`,
    bound,
    goal === undefined ? '' : `≤ ${goal}`,
    judge(measure),
  ]
}

function notesOf(report: Report): readonly string[] {
  return report.rows.flatMap(({ row, failure, result }) => [
    ...(failure === undefined ? [] : [`  ${row}: failed: ${failure.split('\n').slice(0, 2).join(' ')}`]),
    ...(result?.notes ?? []).map(note => `  ${row}: ${note}`),
  ])
}

function show(value: number, unit: Unit): string {
  return unit === '' || unit === '×' || unit === '%' ? `${digits(value)}${unit}` : `${digits(value)} ${unit}`
}

/** Three significant digits below 100, whole numbers above; whole numbers stay whole. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Number.isInteger(value)) return `${value}`
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}
