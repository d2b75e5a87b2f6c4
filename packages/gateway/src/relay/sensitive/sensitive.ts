import type { DialectName } from '@yumen/protocol'
import { GatewayError } from '../gateway-error.ts'
import type { Facts } from '../scan.ts'
import { type Automaton, createAutomaton } from './automaton.ts'
import { SensitiveSearch } from './search.ts'

export interface SensitiveOptions {
  readonly 'sensitive.enabled': boolean
  readonly 'sensitive.checkPrompts': boolean
  readonly 'sensitive.words': readonly string[]
}

export interface SensitiveParts {
  readonly options: () => SensitiveOptions
  readonly sliceBytesMax: number
}

/** Refuses prompts that hold a word of the operator's list. A promise only where the body is larger than one slice. */
export type SensitiveCheck = (facts: Facts, dialect: DialectName) => Promise<void> | undefined

/**
 * The check of all prompts. The automaton is made when the list changes, not per request. A body is searched in slices of
 * `sliceBytesMax`, each in a turn of its own, so that no body keeps the others waiting, whatever its size.
 */
export function createSensitiveCheck({ options, sliceBytesMax }: SensitiveParts): SensitiveCheck {
  let known: readonly string[] = []
  let automaton: Automaton | undefined

  function automatonOf(words: readonly string[]): Automaton {
    const isKnown = words === known || isSameList(words, known)
    if (automaton === undefined || !isKnown) automaton = createAutomaton(words)
    known = words
    return automaton
  }

  return (facts, dialect) => {
    const current = options()
    if (!current['sensitive.enabled'] || !current['sensitive.checkPrompts']) return undefined
    const words = current['sensitive.words']
    if (words.length === 0) return undefined
    const spans = facts.object.members
      .filter(({ name }) => prompts[dialect].has(name))
      .map(({ valueStart, valueEnd }) => ({ start: valueStart, end: valueEnd }))
    const search = new SensitiveSearch(facts.body, spans, automatonOf(words))
    if (!search.run(sliceBytesMax)) return runOn(search, sliceBytesMax)
    refuseHit(search)
    return undefined
  }
}

async function runOn(search: SensitiveSearch, sliceBytesMax: number): Promise<void> {
  do await nextTurn()
  while (!search.run(sliceBytesMax))
  refuseHit(search)
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Which word it was is not told: the list is the operator's. */
function refuseHit(search: SensitiveSearch): void {
  if (search.isFound)
    throw new GatewayError('content_policy', 'the prompt holds a word that is not allowed on this gateway')
}

const ofOpenai = [
  'messages',
  'input',
  'instructions',
  'prompt',
  'suffix',
  'tools',
  'functions',
  'response_format',
]

/** The members of a body whose texts a model reads, by the client's dialect. */
const prompts: Readonly<Record<DialectName, ReadonlySet<string>>> = {
  'openai-chat': new Set([...ofOpenai, 'query', 'documents', 'prediction']),
  'openai-responses': new Set([...ofOpenai, 'text']),
  anthropic: new Set(['messages', 'system', 'tools']),
  gemini: new Set([
    ...['contents', 'systemInstruction', 'system_instruction', 'tools', 'content', 'requests', 'title'],
    ...['generateContentRequest', 'generate_content_request'],
  ]),
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word, index) => word === right[index])
}
