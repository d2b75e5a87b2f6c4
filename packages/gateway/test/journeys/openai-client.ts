import OpenAI from 'openai'
import type { ChatCompletionChunk, ChatCompletionMessage } from 'openai/resources/chat/completions'
import { type Content, errorOf, oddSentence, sample, sentence, thought } from './stage.ts'

/** The official client, without retries of its own. */
export function clientOf({ url }: { readonly url: string }, apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0, logLevel: 'off' })
}

export function apiErrorOf(asked: PromiseLike<unknown>) {
  return errorOf<InstanceType<typeof OpenAI.APIError>>(OpenAI.APIError, asked)
}

export const messages = [{ role: 'user' as const, content: 'Hi' }]
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
export const tools = ['weather', 'news'].map(name => ({
  type: 'function' as const,
  function: { name, parameters },
}))
export const responseTools = ['weather', 'news'].map(name => ({
  type: 'function' as const,
  name,
  parameters,
  strict: false,
}))
export const isToolModel = (model: string) => model.includes('tools')

/** What an answer says, without ids and times. */
export interface Said {
  text: string
  reasoning: string
  readonly calls: { name: string; arguments: string }[]
  finish: string | null
}

export function saidBy(message: ChatCompletionMessage | undefined, finish: string | null): Said {
  return {
    text: message?.content ?? '',
    reasoning: reasoningOf(message),
    calls: (message?.tool_calls ?? []).flatMap(call =>
      call.type === 'function' ? [{ name: call.function.name, arguments: call.function.arguments }] : [],
    ),
    finish,
  }
}

function reasoningOf(message: object | undefined): string {
  const value: unknown = message === undefined ? undefined : Reflect.get(message, 'reasoning_content')
  return typeof value === 'string' ? value : ''
}

export async function fold(chunks: AsyncIterable<ChatCompletionChunk>): Promise<Said> {
  const said: Said = { text: '', reasoning: '', calls: [], finish: null }
  for await (const { choices } of chunks) {
    const [choice] = choices
    if (choice === undefined) continue
    said.text += choice.delta.content ?? ''
    said.reasoning += reasoningOf(choice.delta)
    for (const { index, function: piece } of choice.delta.tool_calls ?? []) {
      said.calls[index] ??= { name: '', arguments: '' }
      said.calls[index].name += piece?.name ?? ''
      said.calls[index].arguments += piece?.arguments ?? ''
    }
    said.finish ??= choice.finish_reason
  }
  return said
}

export async function askWhole(client: OpenAI, model: string): Promise<Said> {
  const { choices } = await client.chat.completions.create({
    model,
    messages,
    ...(isToolModel(model) && { tools }),
  })
  return saidBy(choices[0]?.message, choices[0]?.finish_reason ?? null)
}

export async function askStreamed(client: OpenAI, model: string): Promise<Said> {
  return fold(
    await client.chat.completions.create({
      model,
      messages,
      stream: true,
      ...(isToolModel(model) && { tools }),
    }),
  )
}

const cities = (index: number) => JSON.stringify({ city: sample(index) })
export const expected: Readonly<Record<Content, Said>> = {
  sim: { text: sentence, reasoning: '', calls: [], finish: 'stop' },
  'sim-cached': { text: sentence, reasoning: '', calls: [], finish: 'stop' },
  'sim-tools': {
    text: '',
    reasoning: '',
    calls: [{ name: 'weather', arguments: cities(1) }],
    finish: 'tool_calls',
  },
  'sim-paralleltools': {
    text: '',
    reasoning: '',
    calls: [
      { name: 'weather', arguments: cities(1) },
      { name: 'news', arguments: cities(2) },
    ],
    finish: 'tool_calls',
  },
  'sim-reasoning': { text: sentence, reasoning: thought, calls: [], finish: 'stop' },
  'sim-unicode': { text: oddSentence, reasoning: '', calls: [], finish: 'stop' },
}
