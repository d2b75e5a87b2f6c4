/**
 * What the bench's upstream says, built once. Shapes: platform.openai.com, "Chat Completions" reference, read
 * 2026-11-25.
 */
const prose =
  'The gate of jade stands at the edge of the desert; caravans pass it "by day" and by night,\n' +
  'and what passes is counted: 玉门关 keeps a book in which no line is ever struck out. '
const usage = {
  prompt_tokens: 230,
  completion_tokens: 120,
  total_tokens: 350,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
}
const shared = { id: 'chatcmpl-bench0123456789abcdefghij', created: 1_790_000_000, model: 'bench' }
const chunkHead = { ...shared, object: 'chat.completion.chunk', system_fingerprint: 'fp_bench0000' }

export const answerBody = Buffer.from(
  JSON.stringify({
    ...shared,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: prose.repeat(3), refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage,
    service_tier: 'default',
    system_fingerprint: 'fp_bench0000',
  }),
)

export const failureBody = Buffer.from(
  JSON.stringify({
    error: { message: 'The server had an error', type: 'server_error', param: null, code: null },
  }),
)

export const finishFrame = frame({
  ...chunkHead,
  choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }],
})
export const usageFrame = frame({ ...chunkHead, choices: [], usage })
export const lastFrame = Buffer.from('data: [DONE]\n\n')

const plainToken = token(' camel')
const [stampHead = '', stampTail = ''] = token('@STAMP@').toString('latin1').split('STAMP')

/** One token; with `stampUs` its content is `@<the time of writing>@`. */
export function tokenFrame(stampUs: number | undefined): Buffer {
  return stampUs === undefined
    ? plainToken
    : Buffer.from(`${stampHead}${Math.round(stampUs)}${stampTail}`, 'latin1')
}

/** The JSON of a request of exactly `bytes` bytes (at least its own frame of some 200), ASCII only. */
export function requestBody({ model, bytes, isStreaming }: RequestShape): Buffer {
  const build = (content: string) =>
    JSON.stringify({
      model,
      ...(isStreaming ? { stream: true } : {}),
      temperature: 0.7,
      messages: [
        { role: 'system', content: 'You keep the book of the gate.' },
        { role: 'user', content },
      ],
    })
  const missing = bytes - build('').length
  return Buffer.from(
    build(
      'What passed the gate today, and who counted it? '
        .repeat(missing / 48 + 1)
        .slice(0, Math.max(0, missing)),
    ),
  )
}

export interface RequestShape {
  readonly model: string
  readonly bytes: number
  readonly isStreaming: boolean
}

function token(content: string): Buffer {
  return frame({
    ...chunkHead,
    choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }],
  })
}

function frame(value: unknown): Buffer {
  return Buffer.from(`data: ${JSON.stringify(value)}\n\n`)
}
