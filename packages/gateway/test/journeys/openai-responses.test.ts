import OpenAI from 'openai'
import type { ResponseStreamEvent } from 'openai/resources/responses/responses'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiErrorOf, clientOf, expected, isToolModel, responseTools } from './openai-client.ts'
import { breaking, collect, contents, cutModels, keys, type Stage, startStage } from './stage.ts'

let stage: Stage
let client: OpenAI
beforeAll(async () => {
  stage = await startStage({
    models: [...contents, ...cutModels.map(({ model }) => model), ...breaking, 'sim-length'],
  })
  client = clientOf(stage, keys.good)
})
afterAll(() => stage.close())

function shapeOf(events: readonly ResponseStreamEvent[]): string[] {
  return events.map(({ type }) => type).filter((type, index, all) => all[index - 1] !== type)
}

const textPart = [
  'response.content_part.added',
  'response.output_text.delta',
  'response.output_text.done',
  'response.content_part.done',
]
const callPart = ['response.function_call_arguments.delta', 'response.function_call_arguments.done']
const item = (...inner: string[]) => ['response.output_item.added', ...inner, 'response.output_item.done']

describe('responses', () => {
  const ask = (model: string) => ({ model, input: 'Hi', ...(isToolModel(model) && { tools: responseTools }) })

  test.each(contents)('%s says the same whole and streamed', async model => {
    const whole = await client.responses.create(ask(model))
    expect(whole.output_text).toBe(expected[model].text)
    const calls = whole.output.flatMap(output =>
      output.type === 'function_call' ? [{ name: output.name, arguments: output.arguments }] : [],
    )
    expect(calls).toEqual(expected[model].calls)
    const streamed = await client.responses.stream(ask(model)).finalResponse()
    expect(streamed.output_text).toBe(whole.output_text)
    expect(streamed.usage).toEqual(whole.usage)
    expect(streamed.output.map(({ type }) => type)).toEqual(whole.output.map(({ type }) => type))
  })

  test.each(cutModels)(
    '$model, cut by the upstream, has the events and the end of the uncut stream',
    async ({ content, model }) => {
      const events = await collect(await client.responses.create({ ...ask(model), stream: true }))
      expect(shapeOf(events)).toEqual(
        shapeOf(await collect(await client.responses.create({ ...ask(content), stream: true }))),
      )
      expect(events.map(event => event.sequence_number)).toEqual(events.map((_event, index) => index))
      const text = events
        .map(event => (event.type === 'response.output_text.delta' ? event.delta : ''))
        .join('')
      expect(text).toBe(expected[content].text)
    },
  )

  test.each([
    { model: 'sim', shape: item(...textPart) },
    { model: 'sim-tools', shape: item(...callPart) },
  ])('every event of $model comes, in order', async ({ model, shape }) => {
    const events = await collect(await client.responses.create({ ...ask(model), stream: true }))
    expect(shapeOf(events)).toEqual([
      'response.created',
      'response.in_progress',
      ...shape,
      'response.completed',
    ])
  })

  test('the client reads its own name of the model in the answer and in every event', async () => {
    expect((await client.responses.create(ask('my-thinker'))).model).toBe('my-thinker')
    const events = await collect(await client.responses.create({ ...ask('my-thinker'), stream: true }))
    const models = events.flatMap(event => ('response' in event ? [event.response.model] : []))
    expect(models.length).toBeGreaterThanOrEqual(3)
    expect(new Set(models)).toEqual(new Set(['my-thinker']))
  })

  test('an incomplete response says so, whole and streamed', async () => {
    const whole = await client.responses.create(ask('sim-length'))
    expect(whole).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    const events = await collect(await client.responses.create({ ...ask('sim-length'), stream: true }))
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: { usage: whole.usage } })
  })

  test('a former response that is not known is a BadRequestError', async () => {
    const error = await apiErrorOf(
      client.responses.create({ ...ask('sim'), previous_response_id: 'resp_missing' }),
    )
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error.code).toBe('previous_response_not_found')
  })

  test.each(breaking.filter(model => !model.includes('error-after')))(
    '%s ends in response.failed',
    async model => {
      const events = await collect(await client.responses.create({ ...ask(model), stream: true }))
      expect(events.map(event => event.sequence_number)).toEqual(events.map((_event, index) => index))
      expect(events.at(-1)).toMatchObject({
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'server_error', message: expect.any(String) } },
      })
      const told = events.at(-1)
      expect(told?.type === 'response.failed' && told.response.model).toBe(model)
    },
  )

  test('an upstream that fails amid the answer ends in response.failed too', async () => {
    const events = await collect(
      await client.responses.create({ ...ask('sim-fault-error-after-8'), stream: true }),
    )
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed' } })
  })

  test('a broken response keeps the items that were begun, as incomplete ones', async () => {
    const events = await collect(
      await client.responses.create({ ...ask('sim-fault-cut-after-8'), stream: true }),
    )
    const text = events
      .map(event => (event.type === 'response.output_text.delta' ? event.delta : ''))
      .join('')
    expect(text).not.toBe('')
    expect(events.at(-1)).toMatchObject({
      type: 'response.failed',
      response: {
        output: [{ type: 'message', status: 'incomplete', content: [{ type: 'output_text', text }] }],
      },
    })
  })
})
