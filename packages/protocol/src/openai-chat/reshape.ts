/** Channel settings of New API that change an OpenAI-shaped answer on its way to the client. */
export interface ReshapeRules {
  /** `force_format`: only the members of the official shape are passed on. */
  readonly forcesFormat: boolean
  /** `thinking_to_content`: reasoning becomes content between `<think>` marks, for clients that know no reasoning. */
  readonly thinkingToContent: boolean
}

type Json = Record<string, unknown>

const opening = '<think>\n'
const closing = '\n</think>\n'

const headMembers = [
  'id',
  'object',
  'created',
  'model',
  'system_fingerprint',
  'service_tier',
  'choices',
  'usage',
]
const choiceMembers = ['index', 'delta', 'message', 'logprobs', 'finish_reason']
/** Of legacy completions, whose choices hold their text themselves. */
const textChoiceMembers = ['text', 'index', 'logprobs', 'finish_reason']
const messageMembers = [
  'role',
  'content',
  'reasoning_content',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'annotations',
]

/** A whole answer under the rules. Pure. */
export function reshapeAnswer(answer: Json, rules: ReshapeRules): Json {
  const shaped = mapChoices(answer, choice => {
    const message = asObject(choice['message'])
    return message === undefined ? choice : { ...choice, message: thinkInMessage(message, rules) }
  })
  return rules.forcesFormat ? format(shaped) : shaped
}

/** The chunks of one stream under the rules, each as it comes. Keeps, per choice, whether thinking is open. */
export function createChunkReshaper(rules: ReshapeRules): (chunk: Json) => Json {
  const open = new Set<number>()
  return chunk => {
    const shaped = mapChoices(chunk, choice => {
      const delta = asObject(choice['delta'])
      return delta === undefined || !rules.thinkingToContent
        ? choice
        : { ...choice, delta: thinkInDelta(delta, choice, open) }
    })
    return rules.forcesFormat ? format(shaped) : shaped
  }
}

function thinkInMessage(message: Json, { thinkingToContent }: ReshapeRules): Json {
  const thought = reasoningOf(message)
  if (!thinkingToContent || thought === '') return message
  const thinking = `${opening}${thought}${closing}`
  const { content } = message
  return { ...withoutReasoning(message), content: before(thinking, content) }
}

/** Content of either kind, a text or a list of parts, with `text` before it. */
function before(text: string, content: unknown): unknown {
  return hasParts(content) ? [{ type: 'text', text }, ...content] : `${text}${textOf(content)}`
}

/** Thinking that no content follows is closed with the finish of its choice. */
function thinkInDelta(delta: Json, choice: Json, open: Set<number>): Json {
  const index = Number(choice['index'] ?? 0)
  const thought = reasoningOf(delta)
  let thinking = ''
  if (thought !== '') {
    thinking = open.has(index) ? thought : `${opening}${thought}`
    open.add(index)
  }
  const ends = saysMore(delta) || isFinish(choice['finish_reason'])
  if (open.has(index) && ends) {
    thinking += closing
    open.delete(index)
  }
  const rest = withoutReasoning(delta)
  return thinking === '' ? rest : { ...rest, content: before(thinking, delta['content']) }
}

/** Whether a chunk has content or calls of tools. Some services send both empty with each chunk of reasoning. */
function saysMore({ content, tool_calls: calls }: Json): boolean {
  return textOf(content) !== '' || isFilled(calls) || hasParts(content)
}

/** Whether content is a list with a part that is no empty text. */
function hasParts(content: unknown): content is readonly unknown[] {
  return isFilled(content) && content.some(part => asObject(part)?.['text'] !== '')
}

function format(answer: Json): Json {
  return mapChoices(pick(answer, headMembers), choice => {
    const isText = choice['message'] === undefined && choice['delta'] === undefined
    const picked = pick(choice, isText ? textChoiceMembers : choiceMembers)
    for (const name of ['delta', 'message']) {
      const message = asObject(picked[name])
      if (message !== undefined) picked[name] = pick(message, messageMembers)
    }
    return picked
  })
}

function mapChoices(answer: Json, change: (choice: Json) => Json): Json {
  const choices = answer['choices']
  if (!Array.isArray(choices)) return answer
  return { ...answer, choices: choices.map((choice: unknown) => change(asObject(choice) ?? {})) }
}

function pick(value: Json, names: readonly string[]): Json {
  return Object.fromEntries(names.filter(name => value[name] !== undefined).map(name => [name, value[name]]))
}

function reasoningOf(message: Json): string {
  return textOf(message['reasoning_content']) || textOf(message['reasoning'])
}

function withoutReasoning({ reasoning_content: _content, reasoning: _reasoning, ...rest }: Json): Json {
  return rest
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isFilled(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0
}

function isFinish(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}
