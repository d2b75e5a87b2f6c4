import { GatewayError } from '../gateway-error.ts'
import { foldName } from '../incoming/governing.ts'
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
export type SensitiveCheck = (facts: Facts) => Promise<void> | undefined

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

  return facts => {
    const current = options()
    if (!current['sensitive.enabled'] || !current['sensitive.checkPrompts']) return undefined
    const words = current['sensitive.words']
    if (words.length === 0) return undefined
    const spans = facts.object.members
      .filter(({ name }) => !unread.has(foldName(name)))
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

/**
 * Members of a body that say how it is answered, for whom and by whom, in lower case. All others may be read by a model: services have
 * members of their own (`chat_template_kwargs`, `guided_json`, `extra_body`), and some read names in any case.
 */
const unread: ReadonlySet<string> = new Set([
  ...[
    'model',
    'user',
    'safety_identifier',
    'metadata',
    'labels',
    'prompt_cache_key',
    'prompt_cache_retention',
  ],
  ...['service_tier', 'stream_options', 'include', 'truncation', 'modalities', 'encoding_format'],
  ...['previous_response_id', 'conversation', 'cachedcontent', 'cached_content', 'container'],
])

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word, index) => word === right[index])
}
