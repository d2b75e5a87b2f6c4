import { ApiError, type GenerateContentResponse, GoogleGenAI } from '@google/genai'
import { type Content, errorOf, keys, oddSentence, sample, sentence, thought } from './stage.ts'

/** The official client. It does not retry unless it is told to. */
export function clientOf({ url }: { readonly url: string }, apiKey: string): GoogleGenAI {
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } })
}

export function apiErrorOf(asked: PromiseLike<unknown>): Promise<ApiError> {
  return errorOf(ApiError, asked)
}

const parametersJsonSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
export const tools = [
  { functionDeclarations: ['weather', 'news'].map(name => ({ name, parametersJsonSchema })) },
]
export const ask = (model: string) => ({
  model,
  contents: 'Hi',
  ...(model.includes('tools') && { config: { tools } }),
})

/** What an answer says, without ids and signatures. */
interface Said {
  text: string
  thoughts: string
  readonly calls: unknown[]
  finish: string | undefined
}

export function addTo(said: Said, { candidates }: GenerateContentResponse): Said {
  const [candidate] = candidates ?? []
  for (const part of candidate?.content?.parts ?? []) {
    if (part.functionCall !== undefined)
      said.calls.push({ name: part.functionCall.name, args: part.functionCall.args })
    else if (part.thought === true) said.thoughts += part.text ?? ''
    else said.text += part.text ?? ''
  }
  said.finish ??= candidate?.finishReason
  return said
}

export const nothing = (): Said => ({ text: '', thoughts: '', calls: [], finish: undefined })

export async function askWhole(client: GoogleGenAI, model: string): Promise<Said> {
  return addTo(nothing(), await client.models.generateContent(ask(model)))
}

export async function askStreamed(client: GoogleGenAI, model: string): Promise<Said> {
  const said = nothing()
  for await (const chunk of await client.models.generateContentStream(ask(model))) addTo(said, chunk)
  return said
}

const call = (name: string, index: number) => ({ name, args: { city: sample(index) } })
export const expected: Readonly<Record<Content, Said>> = {
  sim: { ...nothing(), text: sentence, finish: 'STOP' },
  'sim-cached': { ...nothing(), text: sentence, finish: 'STOP' },
  'sim-unicode': { ...nothing(), text: oddSentence, finish: 'STOP' },
  'sim-reasoning': { ...nothing(), text: sentence, thoughts: thought, finish: 'STOP' },
  'sim-tools': { ...nothing(), calls: [call('weather', 1)], finish: 'STOP' },
  'sim-paralleltools': { ...nothing(), calls: [call('weather', 1), call('news', 2)], finish: 'STOP' },
}

interface RawAsk {
  readonly model: string
  readonly method: string
  readonly key?: string
  readonly body?: object | string
}

export function post(
  { url }: { readonly url: string },
  { model, method, key = keys.good, body = { contents: [{ parts: [{ text: 'Hi' }] }] } }: RawAsk,
): Promise<Response> {
  return fetch(`${url}/v1beta/models/${model}:${method}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': key, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}
