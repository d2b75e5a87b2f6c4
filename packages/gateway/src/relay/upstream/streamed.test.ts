import { dialects, type UpstreamError } from '@yumen/protocol'
import { describe, expect, test } from 'vitest'
import type { AnswerOwner } from './answer.ts'
import type { UpstreamCall } from './call.ts'
import { createStreamListener, type StreamAnswer } from './streamed.ts'

const limits = {
  sseEventBytesMax: 10_000,
  errorBodyBytesMax: 1_000,
  namedRestMsMax: 60_000,
  preludeBytesMax: 5_000,
}
const content = 'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
const role = 'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'

/** A listener whose owner notes what it hears, over a budget of `bytesMax`. */
function listen(bytesMax: number) {
  let used = 0
  const heard: { answer?: StreamAnswer; error?: UpstreamError; aborted?: true } = {}
  const budget = {
    tryTake: (bytes: number) => {
      if (used + bytes > bytesMax) return false
      used += bytes
      return true
    },
    take: () => undefined,
    give: (bytes: number) => {
      used -= bytes
    },
  }
  const owner: AnswerOwner = {
    call: { pause: () => undefined, resume: () => undefined } as UpstreamCall,
    abort: () => {
      heard.aborted = true
    },
    onStreaming: () => undefined,
    onAnswer: answer => {
      if (answer.kind === 'stream') heard.answer = answer
    },
    onFailure: error => {
      heard.error = error
    },
  }
  const listener = createStreamListener({
    dialect: dialects['openai-chat'],
    choices: 1,
    limits,
    budget,
    owner,
  })
  listener.onHead(200, { 'content-type': 'text/event-stream' })
  const push = (text: string) => listener.onData(Buffer.from(text))
  return { listener, push, heard, used: () => used }
}

describe('what is held of a stream is counted', () => {
  test('before the first content, half an event too, and not once it was handed over', () => {
    const { push, heard, used } = listen(1_000)
    push(role)
    expect(used()).toBe(role.length)
    push(content.slice(0, 10))
    expect(used()).toBe(role.length + 10)
    push(content.slice(10))
    expect(used()).toBe(role.length + content.length)
    heard.answer?.attach({
      onEvent: () => undefined,
      onChunkEnd: () => undefined,
      onEnd: () => undefined,
      onFailure: () => undefined,
    })
    expect(used()).toBe(0)
    push(content.slice(0, 20))
    expect(used()).toBe(20)
    push(content.slice(20))
    expect(used()).toBe(0)
  })

  test('and given back when nobody wants it', () => {
    const { listener, push, used } = listen(1_000)
    push(role)
    listener.discard?.()
    expect(used()).toBe(0)
  })

  test('where there is no room the attempt ends', () => {
    const { push, heard } = listen(20)
    push(role)
    expect(heard).toMatchObject({ aborted: true, error: { class: 'overloaded' } })
  })

  test('where there is no room between the commit and the attachment, whoever attaches is told', () => {
    const { push, heard } = listen(role.length + 10)
    push(role)
    push(content)
    expect(heard).toMatchObject({ aborted: true })
    expect(heard.error).toBeUndefined()
    const failures: UpstreamError[] = []
    const events: string[] = []
    heard.answer?.attach({
      onEvent: event => events.push(event.data),
      onChunkEnd: () => undefined,
      onEnd: () => undefined,
      onFailure: error => failures.push(error),
    })
    expect(events).toHaveLength(2)
    expect(failures).toMatchObject([{ class: 'overloaded' }])
  })
})

test('an error within a stream asks for no longer a rest than the bound', () => {
  const { push, heard } = listen(1_000)
  const error = { code: 429, message: 'no', details: [{ retryDelay: '90000s' }] }
  push(`data: ${JSON.stringify({ error })}\n\n`)
  expect(heard.error).toMatchObject({ class: 'rate_limited', retryAfterMs: limits.namedRestMsMax })
})
