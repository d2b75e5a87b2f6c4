import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../gateway.ts'

const apiKey = 'sk-wrongsecret0123456789abcdef'
const yaml = `
apiVersion: yumen/v1
users: [{ username: ann, balance: '1' }]
apiKeys: [{ user: ann, name: first, key: ${apiKey} }]
channels:
  - { name: only, provider: openai, baseUrl: 'http://127.0.0.1:9', keys: [upstream-key], models: [gpt-4o] }
`

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({ yaml, env: { CRYPTO_SECRET: 'the secret that sealed the keys' } })
  expect(await gateway.stop()).toBe(0)
  await gateway.restart({ CRYPTO_SECRET: 'another secret, by mistake' })
})
afterAll(() => gateway.remove())

test('after a start with another secret the client hears that the keys cannot be read, not that the model is unknown', async () => {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] }),
  })
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({
    error: { message: expect.stringMatching(/gpt-4o.* keys of its channels cannot be read.*yumen doctor/) },
  })
})

test('the log names the channel', async () => {
  await gateway.untilPrinted(/channel only: a sealed value does not open with the secret of CRYPTO_SECRET/)
})
