import type { GenerateContentResponse, GoogleGenAI } from '@google/genai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  addTo,
  apiErrorOf,
  ask,
  askStreamed,
  askWhole,
  clientOf,
  expected,
  nothing,
  post,
  tools,
} from './gemini-client.ts'
import {
  breaking,
  collect,
  contents,
  cutModels,
  keys,
  mapped,
  oddSentence,
  requestId,
  rescued,
  type Stage,
  sentence,
  startStage,
} from './stage.ts'

const others = [
  'sim-length',
  'sim-filter',
  'sim-refusal',
  'sim-echo',
  'sim-fault-missing-usage',
  'vendor/sim',
]

let stage: Stage
let client: GoogleGenAI
beforeAll(async () => {
  stage = await startStage({
    models: [...contents, ...cutModels.map(({ model }) => model), ...breaking, ...others],
  })
  client = clientOf(stage, keys.good)
})
afterAll(() => stage.close())

describe('content', () => {
  test.each(contents)('%s says the same whole and streamed, with the same usage', async model => {
    expect(await askWhole(client, model)).toEqual(expected[model])
    expect(await askStreamed(client, model)).toEqual(expected[model])
    const whole = await client.models.generateContent(ask(model))
    const chunks = await collect(await client.models.generateContentStream(ask(model)))
    expect(whole.usageMetadata?.totalTokenCount).toBeGreaterThan(0)
    expect(chunks.at(-1)?.usageMetadata).toEqual(whole.usageMetadata)
  })

  test.each(cutModels)(
    '$model, cut by the upstream, accumulates to the whole answer',
    async ({ content, model }) => {
      expect(await askStreamed(client, model)).toEqual(expected[content])
      expect(await askWhole(client, model)).toEqual(expected[content])
    },
  )

  test.each([
    { model: 'sim-length', finish: 'MAX_TOKENS' },
    { model: 'sim-filter', finish: 'SAFETY' },
    { model: 'sim-refusal', finish: 'SAFETY' },
    { model: 'sim-fault-missing-usage', finish: 'STOP' },
  ])('$model finishes with $finish', async ({ model, finish }) => {
    expect((await askWhole(client, model)).finish).toBe(finish)
    expect((await askStreamed(client, model)).finish).toBe(finish)
  })

  test('every candidate comes', async () => {
    const asked = { ...ask('sim'), config: { candidateCount: 2 } }
    const whole = await client.models.generateContent(asked)
    expect(whole.candidates?.map(({ content }) => content?.parts?.map(part => part.text).join(''))).toEqual([
      sentence,
      `${sentence} [choice 1]`,
    ])
    const texts = ['', '']
    for await (const { candidates } of await client.models.generateContentStream(asked)) {
      for (const { index = 0, content } of candidates ?? [])
        texts[index] += content?.parts?.map(part => part.text ?? '').join('') ?? ''
    }
    expect(texts).toEqual([sentence, `${sentence} [choice 1]`])
  })

  test('a chat with signed thoughts and tool results goes back as it came, and the upstream takes it', async () => {
    const chat = client.chats.create({ model: 'sim-reasoning-bytes3' })
    for await (const chunk of await chat.sendMessageStream({ message: 'Hi' }))
      expect(chunk.responseId).toBeDefined()
    expect((await chat.sendMessage({ message: 'And now?' })).text).toBe(sentence)
    const first = await client.models.generateContent(ask('sim-tools'))
    const [answer] = first.candidates ?? []
    const response = {
      name: 'weather',
      response: { sky: '☀️' },
      ...(first.functionCalls?.[0]?.id && { id: first.functionCalls[0].id }),
    }
    const next = await client.models.generateContent({
      ...ask('sim-tools'),
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        answer?.content ?? {},
        { role: 'user', parts: [{ functionResponse: response }] },
      ],
    })
    expect(next.text).toBe(sentence)
  })

  test('a text of 200 kB with every kind of character comes back as it went', async () => {
    const text = oddSentence.repeat(2_000)
    let said = ''
    for await (const chunk of await client.models.generateContentStream({
      model: 'sim-echo',
      contents: text,
    }))
      said += chunk.text ?? ''
    expect(said).toBe(text)
  })

  test('where one upstream refuses another one answers, and the client sees nothing of it', async () => {
    expect(await askWhole(client, rescued)).toEqual(expected.sim)
    expect(await askStreamed(client, rescued)).toEqual(expected.sim)
  })

  test('the key is taken from the header, from the address and as a bearer token, and never passed on', async () => {
    stage.simulator.clear()
    const body = JSON.stringify({ contents: [{ parts: [{ text: 'Hi' }] }] })
    const address = `${stage.url}/v1beta/models/sim:generateContent`
    const json = { 'content-type': 'application/json' }
    const statuses = [
      (await fetch(`${address}?key=${keys.good}`, { method: 'POST', headers: json, body })).status,
      (
        await fetch(address, {
          method: 'POST',
          headers: { ...json, authorization: `Bearer ${keys.good}` },
          body,
        })
      ).status,
      (await fetch(`${address}?key=${keys.unknown}`, { method: 'POST', headers: json, body })).status,
    ]
    expect(statuses).toEqual([200, 200, 401])
    expect(JSON.stringify(stage.simulator.requests)).not.toContain(keys.good)
    expect(stage.gateway.output()).not.toContain(keys.good)
  })
})

describe('a stream without alt=sse', () => {
  test.each(contents)('%s is one JSON array with the elements of the stream', async model => {
    const body = { contents: [{ parts: [{ text: 'Hi' }] }], ...(model.includes('tools') && { tools }) }
    const response = await post(stage, { model, method: 'streamGenerateContent', body })
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const elements: GenerateContentResponse[] = JSON.parse(await response.text())
    expect(elements.reduce(addTo, nothing())).toEqual(expected[model])
    expect(elements.at(-1)?.usageMetadata?.totalTokenCount).toBeGreaterThan(0)
  })

  test('it is cut into the same array at every position', async () => {
    const bodies = await Promise.all(
      ['sim-unicode-bytes1', 'sim-unicode-bytes2', 'sim-unicode-bytes3'].map(async model => {
        const elements: GenerateContentResponse[] = JSON.parse(
          await (await post(stage, { model, method: 'streamGenerateContent' })).text(),
        )
        return elements.reduce(addTo, nothing())
      }),
    )
    for (const said of bodies) expect(said).toEqual(expected['sim-unicode'])
  })

  test.each(breaking)('%s ends in an error element, and the array is closed', async model => {
    const response = await post(stage, { model, method: 'streamGenerateContent' })
    const elements: unknown[] = JSON.parse(await response.text())
    expect(elements.length).toBeGreaterThan(1)
    const isLate = model.includes('hang')
    expect(elements.at(-1)).toMatchObject({
      error: {
        code: isLate ? 504 : 500,
        status: isLate ? 'DEADLINE_EXCEEDED' : 'INTERNAL',
        message: expect.any(String),
      },
    })
  })
})

describe('other endpoints', () => {
  test('tokens are counted as they are billed', async () => {
    const { totalTokens } = await client.models.countTokens({ model: 'sim', contents: 'Hi' })
    const whole = await client.models.generateContent(ask('sim'))
    expect(totalTokens).toBe(whole.usageMetadata?.promptTokenCount)
    expect((await client.models.countTokens({ model: 'my-model', contents: 'Hi' })).totalTokens).toBe(
      totalTokens,
    )
  })

  test('embeddings of one text and of several', async () => {
    const one = await client.models.embedContent({ model: 'sim', contents: 'a' })
    expect(one.embeddings?.map(({ values }) => values?.length)).toEqual([16])
    const several = await client.models.embedContent({
      model: 'my-model',
      contents: ['a', 'b'],
      config: { outputDimensionality: 8 },
    })
    expect(several.embeddings?.map(({ values }) => values?.length)).toEqual([8, 8])
    const single = await post(stage, {
      model: 'my-model',
      method: 'embedContent',
      body: { model: 'models/my-model', content: { parts: [{ text: 'a' }] } },
    })
    expect(single.status).toBe(200)
    expect(await single.json()).toMatchObject({ embedding: { values: expect.any(Array) } })
  })

  test('the list of models holds what the key may use, once, and each can be looked up', async () => {
    const names = (await collect(await client.models.list())).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['models/sim', 'models/my-model', 'models/vendor/sim']))
    expect(new Set(names).size).toBe(names.length)
    expect((await client.models.get({ model: 'my-model' })).name).toBe('models/my-model')
    expect((await client.models.get({ model: 'models/my-model' })).name).toBe('models/my-model')
    expect(await collect(await clientOf(stage, keys.narrow).models.list())).toEqual([])
  })

  test('a model that is not to be seen is a 404 of its lookup', async () => {
    expect((await apiErrorOf(client.models.get({ model: 'nothing-of-ours' }))).status).toBe(404)
  })

  test('a model with a slash in its name can be asked by its path', async () => {
    const response = await post(stage, { model: 'vendor/sim', method: 'generateContent' })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ modelVersion: 'vendor/sim' })
  })
})

describe('model mapping', () => {
  test.each(Object.entries(mapped))(
    '%s is asked as %s and answers under its own name',
    async (name, upstream) => {
      stage.simulator.clear()
      expect((await client.models.generateContent(ask(name))).modelVersion).toBe(name)
      const chunks = await collect(await client.models.generateContentStream(ask(name)))
      expect(new Set(chunks.map(({ modelVersion }) => modelVersion))).toEqual(new Set([name]))
      const asked = stage.simulator.requests.map(({ path }) => /models\/([^:]+):/.exec(path)?.[1])
      expect(asked).toEqual([upstream, upstream])
    },
  )
})

describe('request ids', () => {
  test('whole, streamed, counted, listed and refused answers all have one, and no two the same', async () => {
    const list = (key: string) => fetch(`${stage.url}/v1beta/models`, { headers: { 'x-goog-api-key': key } })
    const answers = [
      await post(stage, { model: 'sim', method: 'generateContent' }),
      await post(stage, { model: 'sim', method: 'streamGenerateContent?alt=sse' }),
      await post(stage, { model: 'sim', method: 'streamGenerateContent' }),
      await post(stage, { model: 'sim', method: 'countTokens' }),
      await list(keys.good),
      await list(keys.unknown),
      await post(stage, { model: 'sim', method: 'nonsense' }),
    ]
    const ids = answers.map(answer => answer.headers.get('x-request-id'))
    for (const id of ids) expect(id).toMatch(requestId)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
