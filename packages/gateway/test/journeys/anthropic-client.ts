import Anthropic from '@anthropic-ai/sdk'
import type { ContentBlock, Message } from '@anthropic-ai/sdk/resources/messages'
import { type Content, errorOf, oddSentence, sample, sentence, thought } from './stage.ts'

/** The official client, without retries of its own. */
export function clientOf({ url }: { readonly url: string }, apiKey: string): Anthropic {
  return new Anthropic({ apiKey, baseURL: url, maxRetries: 0, logLevel: 'off' })
}

export function apiErrorOf(asked: PromiseLike<unknown>) {
  return errorOf<InstanceType<typeof Anthropic.APIError>>(Anthropic.APIError, asked)
}

export const messages = [{ role: 'user' as const, content: 'Hi' }]
const input_schema = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] }
export const tools = ['weather', 'news'].map(name => ({ name, input_schema }))
export const ask = (model: string) => ({
  model,
  max_tokens: 1_000,
  messages,
  ...(model.includes('tools') && { tools }),
})

/** What the blocks of an answer say, without ids and signatures. */
export function saidBy(blocks: readonly ContentBlock[]): unknown[] {
  return blocks.map(block => {
    if (block.type === 'text') return block.text
    if (block.type === 'thinking') return { thinking: block.thinking, isSigned: block.signature !== '' }
    return block.type === 'tool_use' ? { [block.name]: block.input } : block.type
  })
}

export const city = (index: number) => ({ city: sample(index) })
export const expected: Readonly<Record<Content, { readonly says: unknown[]; readonly stop: string }>> = {
  sim: { says: [sentence], stop: 'end_turn' },
  'sim-cached': { says: [sentence], stop: 'end_turn' },
  'sim-unicode': { says: [oddSentence], stop: 'end_turn' },
  'sim-tools': { says: [{ weather: city(1) }], stop: 'tool_use' },
  'sim-paralleltools': { says: [{ weather: city(1) }, { news: city(2) }], stop: 'tool_use' },
  'sim-reasoning': { says: [{ thinking: thought, isSigned: true }, sentence], stop: 'end_turn' },
}

export function read({ content, stop_reason: stop }: Message) {
  return { says: saidBy(content), stop }
}
