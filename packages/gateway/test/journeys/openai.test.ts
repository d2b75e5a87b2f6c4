import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  apiErrorOf,
  askStreamed,
  askWhole,
  clientOf,
  expected,
  fold,
  messages,
  saidBy,
  tools,
} from './openai-client.ts'
import {
  collect,
  contents,
  cutModels,
  keys,
  mapped,
  oddSentence,
  requestId,
  rescued,
  type Stage,
  sample,
  sentence,
  startStage,
  troubled,
} from './stage.ts'

const others = ['length', 'filter', 'refusal', 'logprobs', 'echo', 'embedding', 'fault-missing-usage'].map(
  word => `sim-${word}`,
)

let stage: Stage
let client: OpenAI
beforeAll(async () => {
  stage = await startStage({
    models: [...contents, ...cutModels.map(({ model }) => model), ...others, 'omni-moderation-latest'],
  })
  client = clientOf(stage, keys.good)
})
afterAll(() => stage.close())

describe('chat completions', () => {
  test.each(contents)('%s says the same whole and streamed', async model => {
    expect(await askWhole(client, model)).toEqual(expected[model])
    expect(await askStreamed(client, model)).toEqual(expected[model])
  })

  test.each(cutModels)(
    '$model, cut by the upstream, accumulates to the whole answer',
    async ({ content, model }) => {
      expect(await askStreamed(client, model)).toEqual(expected[content])
      expect(await askWhole(client, model)).toEqual(expected[content])
    },
  )

  test('the stream helper builds the completion with its tools and its usage', async () => {
    const stream = client.chat.completions.stream({
      model: 'sim-paralleltools',
      messages,
      tools,
      stream_options: { include_usage: true },
    })
    const completion = await stream.finalChatCompletion()
    expect(saidBy(completion.choices[0]?.message, completion.choices[0]?.finish_reason ?? null)).toEqual(
      expected['sim-paralleltools'],
    )
    expect(completion.usage?.total_tokens).toBeGreaterThan(0)
  })

  test('usage comes in one last chunk when it is asked for, and equals that of the whole answer', async () => {
    const whole = await client.chat.completions.create({ model: 'sim-cached', messages })
    const chunks = await collect(
      await client.chat.completions.create({
        model: 'sim-cached',
        messages,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(whole.usage?.prompt_tokens_details?.cached_tokens).toBe(1024)
    expect(chunks.filter(chunk => chunk.usage)).toHaveLength(1)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    expect(chunks.slice(0, -1).every(chunk => chunk.usage === null)).toBe(true)
  })

  test.each([{ options: undefined }, { options: {} }, { options: { include_usage: false } }])(
    'no usage leaks into a stream that has not asked for it: stream_options $options',
    async ({ options }) => {
      const chunks = await collect(
        await client.chat.completions.create({
          model: 'sim',
          messages,
          stream: true,
          ...(options && { stream_options: options }),
        }),
      )
      expect(chunks.length).toBeGreaterThan(5)
      expect(chunks.filter(chunk => chunk.choices.length === 0)).toEqual([])
      expect(chunks.filter(chunk => chunk.usage)).toEqual([])
    },
  )

  test('every choice comes', async () => {
    const whole = await client.chat.completions.create({ model: 'sim', messages, n: 3 })
    expect(whole.choices.map(choice => choice.message.content)).toEqual([
      sentence,
      `${sentence} [choice 1]`,
      `${sentence} [choice 2]`,
    ])
    const texts = ['', '', '']
    const finishes: (string | null)[] = []
    const stream = await client.chat.completions.create({ model: 'sim', messages, n: 3, stream: true })
    for await (const { choices } of stream) {
      for (const { index, delta, finish_reason: finish } of choices) {
        texts[index] += delta.content ?? ''
        if (finish !== null) finishes.push(finish)
      }
    }
    expect(texts).toEqual(whole.choices.map(choice => choice.message.content))
    expect(finishes).toEqual(['stop', 'stop', 'stop'])
  })

  test.each([
    { model: 'sim-length', finish: 'length' },
    { model: 'sim-filter', finish: 'content_filter' },
    { model: 'sim-refusal', finish: 'stop' },
    { model: 'sim-fault-missing-usage', finish: 'stop' },
  ])('$model finishes with $finish', async ({ model, finish }) => {
    expect((await askWhole(client, model)).finish).toBe(finish)
    expect((await askStreamed(client, model)).finish).toBe(finish)
  })

  test('log probabilities and refusals come through', async () => {
    const probable = await client.chat.completions.create({ model: 'sim-logprobs', messages, logprobs: true })
    expect(probable.choices[0]?.logprobs?.content).toHaveLength(10)
    const refused = await client.chat.completions.create({ model: 'sim-refusal', messages })
    expect(refused.choices[0]?.message.refusal).toBe("I'm sorry, but I can't help with that.")
  })

  test('a conversation with tool results reaches the upstream as it was sent', async () => {
    const answer = await client.chat.completions.create({
      model: 'sim-tools',
      tools,
      messages: [
        ...messages,
        {
          role: 'assistant',
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'weather', arguments: JSON.stringify({ city: sample(1) }) },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '☀️ 30°' },
      ],
    })
    expect(answer.choices[0]?.message.content).toBe(sentence)
  })

  test('a text of 200 kB with every kind of character comes back as it went', async () => {
    const text = oddSentence.repeat(2_000)
    const stream = await client.chat.completions.create({
      model: 'sim-echo',
      messages: [{ role: 'user', content: text }],
      stream: true,
    })
    expect((await fold(stream)).text).toBe(text)
  })

  test('where one upstream refuses another one answers, and the client sees nothing of it', async () => {
    stage.simulator.clear()
    expect(await askWhole(client, rescued)).toEqual(expected.sim)
    expect(await askStreamed(client, rescued)).toEqual(expected.sim)
    // The refused key rests by then: the second request does not ask it again.
    expect(stage.simulator.requests).toHaveLength(3)
  })
})

describe('other endpoints', () => {
  test('legacy completions, whole and streamed, without usage that was not asked for', async () => {
    const whole = await client.completions.create({ model: 'sim', prompt: 'Hi' })
    expect(whole.choices[0]?.text).toBe(sentence)
    expect(whole.usage?.completion_tokens).toBe(10)
    const chunks = await collect(
      await client.completions.create({ model: 'sim', prompt: 'Hi', stream: true }),
    )
    expect(chunks.map(chunk => chunk.choices[0]?.text ?? '').join('')).toBe(sentence)
    expect(chunks.filter(chunk => chunk.usage || chunk.choices.length === 0)).toEqual([])
    const asked = await collect(
      await client.completions.create({
        model: 'my-model',
        prompt: 'Hi',
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(asked.at(-1)?.usage?.completion_tokens).toBe(10)
    expect(new Set(asked.map(chunk => chunk.model))).toEqual(new Set(['my-model']))
  })

  test.each(['float', 'base64'] as const)('embeddings as %s', async encoding_format => {
    const { data, usage, model } = await client.embeddings.create({
      model: 'my-model',
      input: ['a', 'b', '😀'],
      encoding_format,
      ...(encoding_format === 'float' && { dimensions: 8 }),
    })
    expect(model).toBe('my-model')
    expect(usage.prompt_tokens).toBeGreaterThan(0)
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(new Set(data.map(({ embedding }) => embedding.length)).size).toBe(1)
  })

  test('embeddings without a word on their encoding are decoded by the client', async () => {
    const { data } = await client.embeddings.create({ model: 'sim-embedding', input: 'a' })
    expect(data[0]?.embedding).toHaveLength(16)
    expect(data[0]?.embedding.every(Number.isFinite)).toBe(true)
  })

  test('moderations with and without a model', async () => {
    const named = await client.moderations.create({ model: 'sim', input: 'such violence' })
    expect(named.results[0]?.flagged).toBe(true)
    const plain = await client.moderations.create({ input: ['good', 'such violence'] })
    expect(plain.results.map(({ flagged }) => flagged)).toEqual([false, true])
  })

  test('the list of models holds what the key may use, once, and each can be looked up', async () => {
    const names = (await collect(client.models.list())).map(({ id }) => id)
    expect(names).toEqual(expect.arrayContaining(['sim', 'my-model', troubled.deadKey]))
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain('some-other-model')
    expect(await client.models.retrieve('my-model')).toMatchObject({ id: 'my-model', object: 'model' })
    expect(await collect(clientOf(stage, keys.narrow).models.list())).toEqual([])
    expect((await collect(clientOf(stage, keys.poor).models.list())).map(({ id }) => id)).toEqual(['sim'])
  })

  test('a model that is not to be seen is a NotFoundError of its lookup', async () => {
    for (const [key, name] of [
      [keys.good, 'nothing-of-ours'],
      [keys.narrow, 'sim'],
    ] as const) {
      const error = await apiErrorOf(clientOf(stage, key).models.retrieve(name))
      expect(error).toBeInstanceOf(OpenAI.NotFoundError)
      expect(error).toMatchObject({
        code: 'model_not_found',
        param: 'model',
        requestID: expect.stringMatching(requestId),
      })
    }
  })
})

/** Types of the events, a run of equal deltas as one. */
describe('model mapping', () => {
  test.each(Object.entries(mapped))(
    '%s is asked as %s and answers under its own name',
    async (name, upstream) => {
      stage.simulator.clear()
      const whole = await client.chat.completions.create({
        model: name,
        messages,
        ...(name === 'my-caller' && { tools }),
      })
      expect(whole.model).toBe(name)
      const stream = await client.chat.completions.create({
        model: name,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      })
      const chunks = await collect(stream)
      expect(new Set(chunks.map(chunk => chunk.model))).toEqual(new Set([name]))
      expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(0)
      const asked = stage.simulator.requests.map(({ body }) => JSON.parse(body).model)
      expect(asked).toEqual([upstream, upstream])
    },
  )
})

describe('request ids', () => {
  test('whole, streamed, listed and refused answers all have one, and no two the same', async () => {
    const ids = [
      (await client.chat.completions.create({ model: 'sim', messages }).withResponse()).request_id,
      (await client.chat.completions.create({ model: 'sim', messages, stream: true }).withResponse())
        .request_id,
      (await client.responses.create({ model: 'sim', input: 'Hi' }).withResponse()).request_id,
      (await client.embeddings.create({ model: 'sim', input: 'Hi' }).withResponse()).request_id,
      (await client.models.list().withResponse()).request_id,
      (await apiErrorOf(clientOf(stage, keys.unknown).models.list())).requestID,
      (await apiErrorOf(client.post('/nowhere', { body: {} }))).requestID,
    ]
    for (const id of ids) expect(id).toMatch(requestId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('an id that the client or the upstream made up is not taken over', async () => {
    const { response } = await client.chat.completions
      .create({ model: 'sim', messages }, { headers: { 'x-request-id': 'mine' } })
      .withResponse()
    expect(response.headers.get('x-request-id')).toMatch(requestId)
    expect([...response.headers.keys()].sort()).toEqual(
      expect.not.arrayContaining([
        'openai-processing-ms',
        'x-ratelimit-limit-requests',
        'openai-organization',
      ]),
    )
  })
})
