import { faults } from '@yumen/simulator'
import { type Dialect, dialects } from '../faults/ask.ts'
import type { Case, Way } from './cases.ts'
import { ways } from './cases.ts'
import type { FaultClass, Outcome, Row } from './outcome.ts'
import { limitsMs } from './stage.ts'

type Outcomes = ReadonlyMap<Case, Outcome>

interface Tried {
  readonly dialect: Dialect
  readonly way: Way
  readonly outcome: Outcome
}

const dialectTitles: Readonly<Record<Dialect, string>> = {
  chat: 'openai-chat',
  responses: 'openai-responses',
  anthropic: 'anthropic',
  gemini: 'gemini',
}

/** `docs/failover.md`: nothing in it differs from one run or machine to another. */
export function renderPage(classes: readonly FaultClass[], outcomes: Outcomes): string {
  const lines = [
    '<!-- Made by packages/gateway/test/scorecard from a run: change the code and run `npm run scorecard`. -->',
    '',
    '# Failover scorecard',
    '',
    'What a client notices when an upstream fails. Each case is one request through a running gateway: the channel that is',
    'asked first leads to a [simulator](../packages/simulator/README.md) that fails in one way, the channel behind it to a',
    'sound one. Every case has a channel and a model of its own. The table of what is expected is',
    '`packages/gateway/test/scorecard/rows`; `npm test` runs all of it again, compares, and fails where this page says',
    'something else. `npm run scorecard` writes it.',
    '',
    '## Summary',
    '',
    ...renderSummary(classes, outcomes),
    '',
    '## How to read the tables',
    '',
    '- ✓: the client got a whole and right answer and noticed nothing. *told*: it got an error in good form in its own protocol,',
    '  before or within the stream; a stream that was told of an error never looks whole. **wrong**: anything else.',
    '  `·`: there is no such fault. Each cell is *whole answer / stream*.',
    '- *attempts*: channels that were asked; 2 means that the sound one answered.',
    '- *waited for*: the time limit of the gateway that had to pass. *at once*: none.',
    `  The run sets short ones: connect ${seconds(limitsMs.connect)}, first byte ${seconds(limitsMs.firstByte)}, idle ${seconds(limitsMs.idle)}, total ${seconds(limitsMs.total)}.`,
    '- *charged*: *answer*, the usage that came with the answer that the client got; *counted*, the tokens of that answer as the',
    '  gateway counts them, where the upstream states no usage that can be believed; *part*, the tokens that the client got',
    '  before the stream broke; *stated*, what the upstream stated with a refusal inside an answer; *–*, nothing.',
    '- Where two values stand with `/` they are those of whole answers and of streams; exceptions are named.',
    ...classes.flatMap(one => renderClass(one, outcomes)),
  ]
  return `${lines.join('\n')}\n`
}

function renderSummary(classes: readonly FaultClass[], outcomes: Outcomes): string[] {
  const all = [...outcomes.values()]
  const count = (some: readonly Outcome[], kind: Kind) =>
    some.filter(outcome => kindOf(outcome) === kind).length
  const rows = classes.map(({ title, rows: faultsOf }) => {
    const ours = [...outcomes].filter(([{ row }]) => faultsOf.includes(row)).map(([, outcome]) => outcome)
    return [title, faultsOf.length, ours.length, ...kinds.map(kind => count(ours, kind))].map(String)
  })
  const total = [
    'all',
    classes.reduce((sum, { rows: faultsOf }) => sum + faultsOf.length, 0),
    all.length,
    ...kinds.map(kind => count(all, kind)),
  ].map(text => `**${text}**`)
  const failedOver = all.filter(outcome => kindOf(outcome) === 'unnoticed' && outcome.attempts > 1).length
  return [
    ...table(['', 'faults', 'cases', 'unnoticed', 'told properly', 'wrong'], [...rows, total]),
    '',
    `Of the ${count(all, 'unnoticed')} cases that nobody noticed, the sound channel answered ${failedOver}; in the others the faulty`,
    'channel’s own answer was whole. Wrong are:',
    '',
    ...listWrong(classes, outcomes),
  ]
}

function listWrong(classes: readonly FaultClass[], outcomes: Outcomes): string[] {
  const lines = classes.flatMap(({ rows }) =>
    rows.flatMap(row => {
      const wrong = triedOf(row, outcomes).filter(({ outcome }) => kindOf(outcome) === 'wrong')
      if (wrong.length === 0) return []
      const where = wrong.map(
        ({ dialect, way, outcome }) => `${dialectTitles[dialect]} ${way} (${wrongOf(outcome)})`,
      )
      return [`- \`${row.fault}\`: ${where.join(', ')}.${row.note === undefined ? '' : ` ${row.note}`}`]
    }),
  )
  return lines.length === 0 ? ['- none.'] : lines
}

function wrongOf({ noticed }: Outcome): string {
  return noticed.startsWith('wrong: ') ? noticed.slice('wrong: '.length) : 'the charge'
}

const kinds = ['unnoticed', 'told', 'wrong'] as const
type Kind = (typeof kinds)[number]

function kindOf({ noticed, charged }: Outcome): Kind {
  if (noticed.startsWith('wrong') || charged === 'something else') return 'wrong'
  return noticed === 'no' ? 'unnoticed' : 'told'
}

function renderClass({ title, about, rows }: FaultClass, outcomes: Outcomes): string[] {
  const notes = rows
    .filter(({ note }) => note !== undefined)
    .map(({ fault, note }) => `- \`${fault}\`: ${note}`)
  return [
    '',
    `## ${title}`,
    '',
    about,
    '',
    ...table(
      [
        'fault',
        'what happens',
        ...dialects.map(dialect => dialectTitles[dialect]),
        'told',
        'attempts',
        'waited for',
        'charged',
      ],
      rows.map(row => renderRow(row, triedOf(row, outcomes))),
    ),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ]
}

function triedOf(row: Row, outcomes: Outcomes): readonly Tried[] {
  return [...outcomes]
    .filter(([one]) => one.row === row)
    .map(([{ dialect, way }, outcome]) => ({ dialect, way, outcome }))
    .toSorted((one, other) => placeOf(one) - placeOf(other))
}

function placeOf({ dialect, way }: Tried): number {
  return dialects.indexOf(dialect) * ways.length + ways.indexOf(way)
}

const cells: Readonly<Record<Kind, string>> = { unnoticed: '✓', told: 'told', wrong: '**wrong**' }

function renderRow(row: Row, tried: readonly Tried[]): readonly string[] {
  const cellOf = (dialect: Dialect) =>
    ways
      .map(way => tried.find(one => one.dialect === dialect && one.way === way))
      .map(one => (one === undefined ? '·' : cells[kindOf(one.outcome)]))
      .join(' / ')
  return [
    `\`${row.fault}\``,
    aboutOf(row),
    ...dialects.map(cellOf),
    summarise(tried, toldAs),
    summarise(tried, ({ attempts }) => String(attempts)),
    summarise(tried, ({ takes }) => takes),
    summarise(tried, ({ charged }) => chargeWords[charged]),
  ]
}

/** The simulator's own words, with the number that the fault's name holds. */
function aboutOf({ fault, about }: Row): string {
  if (about !== undefined) return about
  const [, name = fault, number] = /^(.*?)(?:-(\d+))?$/.exec(fault) ?? []
  const known = Object.entries(faults)
  const words = (known.find(([own]) => own === fault) ?? known.find(([own]) => own === name))?.[1]
  if (words === undefined) throw new Error(`${fault} has no words of its own`)
  const own = number ?? ('number' in words ? String(words.number.fallback) : 'N')
  return words.about.replace(/\bN\b/g, own)
}

function toldAs({ noticed }: Outcome): string {
  if (!noticed.startsWith('told ')) return ''
  const name = noticed.slice('told '.length)
  return name.includes(' ') ? name : `\`${name}\``
}

const chargeWords: Readonly<Record<Outcome['charged'], string>> = {
  'the answer': 'answer',
  'the answer, counted': 'counted',
  'the delivered part': 'part',
  'what the upstream stated': 'stated',
  nothing: '–',
  'something else': '**wrong**',
}

/** One value for all, one for each way, or the most frequent one and who differs. */
function summarise(tried: readonly Tried[], wordOf: (outcome: Outcome) => string): string {
  const words = (some: readonly Tried[]) => [...new Set(some.map(({ outcome }) => wordOf(outcome)))]
  const [only, ...others] = words(tried)
  if (others.length === 0) return only ?? ''
  const byWay = ways.map(way => words(tried.filter(one => one.way === way)))
  if (byWay.every(({ length }) => length === 1)) return byWay.map(([word]) => word || '–').join(' / ')
  return words(tried)
    .map(word => ({ word, who: tried.filter(({ outcome }) => wordOf(outcome) === word) }))
    .filter(({ word }) => word !== '')
    .toSorted((one, other) => other.who.length - one.who.length)
    .map(({ word, who }) => (who.length * 2 > tried.length ? word : `${word} (${namesOf(who)})`))
    .join('; ')
}

function namesOf(who: readonly Tried[]): string {
  return [...new Set(who.map(({ dialect }) => dialectTitles[dialect]))].join(', ')
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)]
}
