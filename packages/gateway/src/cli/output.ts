import { styleText } from 'node:util'

/** All printing of the command line. Colours only where `stream` is a terminal that wants them. */

export interface Column<Item> {
  readonly title: string
  readonly isNumber?: true
  readonly value: (item: Item) => string | number | undefined
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** Errors and advice: stderr, so that stdout holds data only. */
export function printError(text: string): void {
  process.stderr.write(`${styleText('red', 'yumen:', { stream: process.stderr })} ${text}\n`)
}

/** Something that was done has less effect than one may think. */
export function printWarning(text: string): void {
  process.stderr.write(`${styleText('yellow', 'warning:', { stream: process.stderr })} ${cleanText(text)}\n`)
}

export function printNote(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** One JSON document. Money is a text by now: a `bigint` here is a bug. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

/** Aligned columns under bold titles; nothing but `empty` when there are no items. */
export function printTable<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  empty: string,
): void {
  if (items.length === 0) {
    printLine(empty)
    return
  }
  const rows = items.map(item => columns.map(column => cleanText(String(column.value(item) ?? '–'))))
  const widths = columns.map(({ title }, index) =>
    Math.max(...[title, ...rows.map(row => row[index] ?? '')].map(widthOf)),
  )
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, index) => {
        const gap = ' '.repeat((widths[index] ?? 0) - widthOf(cell))
        return columns[index]?.isNumber ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd()
  printLine(styleText('bold', lineOf(columns.map(column => column.title)), { stream: process.stdout }))
  for (const row of rows) printLine(lineOf(row))
}

/** `name  value` lines, aligned. */
export function printFacts(facts: Readonly<Record<string, string | number | undefined>>): void {
  const width = Math.max(...Object.keys(facts).map(widthOf))
  for (const [name, value] of Object.entries(facts)) {
    const title = styleText('bold', name.padEnd(width), { stream: process.stdout })
    printLine(`${title}  ${cleanText(String(value ?? '–'))}`)
  }
}

export type Colour = 'green' | 'yellow' | 'red'

export function coloured(colour: Colour, text: string): string {
  return styleText(colour, text, { stream: process.stdout })
}

/** Names of models and clients come from outside: no control character of theirs reaches the terminal. */
export function cleanText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ')
}

/** Columns of a terminal: East Asian wide characters take two. */
function widthOf(text: string): number {
  return [...text].reduce((width, character) => width + (wideCharacter.test(character) ? 2 : 1), 0)
}

const wideCharacter = new RegExp(
  '[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6]' +
    '|[\\u{1f300}-\\u{1faff}]',
  'u',
)
