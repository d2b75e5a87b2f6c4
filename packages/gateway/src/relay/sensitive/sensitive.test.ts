import { expect, test } from 'vitest'
import { GatewayError } from '../gateway-error.ts'
import { route } from '../route.ts'
import { scan } from '../scan.ts'
import { createSensitiveCheck } from './sensitive.ts'

const check = createSensitiveCheck({
  options: () => ({
    'sensitive.enabled': true,
    'sensitive.checkPrompts': true,
    'sensitive.words': ['forbidden'],
  }),
  sliceBytesMax: 1_000_000,
})

function isRefused(body: object, address = '/v1/chat/completions'): boolean {
  const found = route('POST', address, () => undefined)
  if (found.kind !== 'relay') throw new Error('no such address')
  const limits = { jsonDepthMax: 64, topLevelMembersMax: 100 }
  const facts = scan(Buffer.from(JSON.stringify({ model: 'm', ...body })), found.target, limits)
  try {
    void check(facts)
    return false
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return true
  }
}

test.each([
  ['what a provider takes apart', { extra_body: { messages: [{ role: 'user', content: 'forbidden' }] } }],
  ["a service's template", { chat_template_kwargs: { system: 'forbidden' } }],
  ["a service's grammar", { guided_json: { properties: { forbidden: { type: 'string' } } } }],
  ['a name in another case', { Messages: [{ role: 'user', content: 'forbidden' }] }],
])('%s is searched', (_, body) => {
  expect(isRefused(body)).toBe(true)
})

test('what is about the call alone is not searched', () => {
  expect(isRefused({ user: 'forbidden', metadata: { forbidden: 'forbidden' }, messages: [] })).toBe(false)
})
