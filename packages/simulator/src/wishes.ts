import type { IncomingHttpHeaders } from 'node:http'
import { faults } from './faults.ts'
import { refuse } from './refusal.ts'
import type { Newline } from './reply.ts'

export interface Knobs {
  readonly delayMs: number
  readonly gapMs: number
  readonly newline: Newline | undefined
  /** The body is written in pieces of so many bytes. */
  readonly pieceBytes: number | undefined
  readonly tokens: number | undefined
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly readTokens: number | undefined
  readonly writtenTokens: number | undefined
  readonly thoughtTokens: number | undefined
}

export interface WishedFault {
  readonly name: keyof typeof faults
  readonly number: number | undefined
}

/** What a request asks of the simulator, in the name of its model or in `x-sim-…` headers. */
export interface Wishes {
  readonly words: ReadonlySet<string>
  readonly knobs: Knobs
  readonly faults: readonly WishedFault[]
}

/** Number words: `delay200` in a name, what it means, and the largest number taken. */
const numberWords = {
  delay: { about: 'milliseconds before the head', largest: 600_000 },
  gap: { about: 'milliseconds between two events', largest: 600_000 },
  tokens: { about: 'length of the text, in deltas', largest: 1_000_000 },
  bytes: { about: 'the body is written in pieces of so many bytes', largest: 1_000_000 },
  in: { about: 'input tokens that the usage states, cached ones included', largest: 1e9 },
  out: { about: 'output tokens that the usage states, thought ones included', largest: 1e9 },
  read: { about: 'input tokens read from the cache', largest: 1e9 },
  wrote: { about: 'input tokens written to the cache', largest: 1e9 },
  thought: { about: 'output tokens spent on reasoning', largest: 1e9 },
} as const satisfies Record<string, { about: string; largest: number }>

type NumberWord = keyof typeof numberWords

const knobHeaders = {
  'x-sim-delay-ms': 'delay',
  'x-sim-chunk-delay-ms': 'gap',
  'x-sim-tokens': 'tokens',
  'x-sim-chunk-bytes': 'bytes',
} as const satisfies Record<string, NumberWord>

const newlines: ReadonlyMap<string, Newline> = new Map([
  ['crlf', '\r\n'],
  ['cr', '\r'],
  ['lf', '\n'],
])

const numberWord = new RegExp(`^(${Object.keys(numberWords).join('|')})([0-9]+)$`)

/** Reads the name, then the headers, which win. Refuses faults that do not exist. */
export function readWishes(model: string, headers: IncomingHttpHeaders): Wishes {
  const [content = '', ...expressions] = model.split(/(?:^|-)fault-/)
  const words = new Set(content.split('-'))
  const wished = expressions.flatMap(expression => readFault(expression, words))
  const header = headers['x-sim-fault']
  if (typeof header === 'string') {
    for (const expression of header.split(',')) wished.push(...readFault(expression.trim(), words))
  }
  return { words, knobs: readKnobs(words, headers), faults: wished }
}

/** The longest name that the words begin with, its number, and what follows: another fault or more words. */
function readFault(expression: string, words: Set<string>): readonly WishedFault[] {
  const parts = expression.split('-')
  for (let length = parts.length; length > 0; length--) {
    const name = parts.slice(0, length).join('-')
    if (!isFault(name)) continue
    const isNumbered = /^[0-9]+$/.test(parts[length] ?? '')
    const rest = parts.slice(isNumbered ? length + 1 : length)
    const fault = { name, number: isNumbered ? Number(parts[length]) : undefined }
    if ('isDue' in faults[name] && rest.length > 0) return [fault, ...readFault(rest.join('-'), words)]
    for (const word of rest) words.add(word)
    return [fault]
  }
  return refuse(`Unknown fault '${expression}'. GET /_faults lists the known ones.`, 'model', 'unknown_fault')
}

function isFault(name: string): name is keyof typeof faults {
  return Object.hasOwn(faults, name)
}

function readKnobs(words: ReadonlySet<string>, headers: IncomingHttpHeaders): Knobs {
  const numbers = numbersIn(words, headers)
  const newlineHeader = headers['x-sim-newline']
  const newlineName = typeof newlineHeader === 'string' ? newlineHeader : findNewline(words)
  const isSlow = words.has('slow')
  return {
    delayMs: numbers.get('delay') ?? (isSlow ? 300 : 0),
    gapMs: numbers.get('gap') ?? (isSlow ? 50 : 0),
    newline: newlineName === undefined ? undefined : newlines.get(newlineName),
    pieceBytes: numbers.get('bytes') || undefined,
    tokens: numbers.get('tokens') ?? (words.has('long') ? 500 : undefined),
    inputTokens: numbers.get('in'),
    outputTokens: numbers.get('out'),
    readTokens: numbers.get('read') ?? (words.has('cached') ? 1024 : undefined),
    writtenTokens: numbers.get('wrote') ?? (words.has('cached') ? 256 : undefined),
    thoughtTokens: numbers.get('thought'),
  }
}

function numbersIn(words: ReadonlySet<string>, headers: IncomingHttpHeaders): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  for (const word of words) {
    const match = numberWord.exec(word)
    if (match !== null) numbers.set(match[1] ?? '', bounded(match[1], match[2]))
  }
  for (const [header, name] of Object.entries(knobHeaders)) {
    const value = headers[header]
    if (typeof value === 'string' && /^[0-9]+$/.test(value)) numbers.set(name, bounded(name, value))
  }
  return numbers
}

function bounded(name: string | undefined, digits: string | undefined): number {
  const largest = Object.entries(numberWords).find(([word]) => word === name)?.[1].largest ?? 0
  return Math.min(Number(digits), largest)
}

function findNewline(words: ReadonlySet<string>): string | undefined {
  for (const word of words) {
    if (newlines.has(word)) return word
  }
  return undefined
}
