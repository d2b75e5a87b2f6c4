import { faults } from '@yumen/simulator'
import OpenAI from 'openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { startStage, keys } from './stage.ts'
const names = Object.keys(faults).filter(n => !['first','after','flaky','endless-stream','trickle'].includes(n) && !n.startsWith('status-'))
const models = names.map(n => `sim-fault-${n}`)
const stage = await startStage({ models })
const messages = [{ role: 'user' as const, content: 'Hi' }]
const limit = <T,>(p: Promise<T>) => Promise.race([p, new Promise<string>(r => setTimeout(() => r('TIMEOUT'), 4000))])
async function go(f: () => Promise<string>): Promise<string> {
  try { return String(await limit(f())) } catch (e: any) { return `${e.constructor.name} ${e.status ?? ''} ${e.type ?? e.error?.status ?? ''} ${e.code ?? ''} ${String(e.message).slice(0, 50)}` }
}
const asks: Record<string, (url: string, key: string, model: string) => Promise<string>> = {
  C: async (url, key, model) => {
    const c = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, logLevel: 'off' })
    let t = '', u = 0, fin = ''
    for await (const ch of await c.chat.completions.create({ model, messages, stream: true })) { t += ch.choices?.[0]?.delta?.content ?? ''; if (ch.usage) u++; fin = ch.choices?.[0]?.finish_reason ?? fin }
    return `${t.length > 60 ? t.length : t} ${fin} usage=${u}`
  },
  Cw: async (url, key, model) => {
    const c = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, logLevel: 'off' })
    const a = await c.chat.completions.create({ model, messages })
    const t = a.choices?.[0]?.message?.content ?? ''
    return `${t.length > 60 ? t.length : t} ${a.usage?.total_tokens}`
  },
  R: async (url, key, model) => {
    const c = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, logLevel: 'off' })
    let t = '', last = ''
    for await (const e of await c.responses.create({ model, input: 'Hi', stream: true })) { if (e.type === 'response.output_text.delta') t += e.delta; last = e.type }
    return `${t.length > 60 ? t.length : t} ${last}`
  },
  A: async (url, key, model) => {
    const c = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0, logLevel: 'off' })
    let t = '', last = ''
    for await (const e of await c.messages.create({ model, messages, max_tokens: 1000, stream: true })) { if (e.type === 'content_block_delta' && e.delta.type === 'text_delta') t += e.delta.text; last = e.type }
    return `${t.length > 60 ? t.length : t} ${last}`
  },
  G: async (url, key, model) => {
    const c = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } })
    let t = '', f = ''
    for await (const e of await c.models.generateContentStream({ model, contents: 'Hi' })) { t += e.text ?? ''; f = e.candidates?.[0]?.finishReason ?? f }
    return `${t.length > 60 ? t.length : t} ${f}`
  },
}
for (const model of models) for (const [d, ask] of Object.entries(asks)) {
  const [direct, via] = await Promise.all([go(() => ask(stage.simulator.url, 'any', model)), go(() => ask(stage.url, keys.good, model))])
  console.log(`${model.slice(10)} ${d}: ${direct === via ? '= ' + via : `\n     direct ${direct}\n     via    ${via}`}`.replace(/\n(?=.* via)/, '\n'))
}
process.exit(0)
