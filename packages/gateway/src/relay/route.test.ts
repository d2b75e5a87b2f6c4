import { describe, expect, test } from 'vitest'
import { GatewayError } from './gateway-error.ts'
import { dialectOf, route } from './route.ts'

const at = (method: string, url: string, headers: Readonly<Record<string, string>> = {}) =>
  route(method, url, name => headers[name])

describe('addresses', () => {
  test.each([
    ['/v1/chat/completions', 'openai-chat', 'chat'],
    ['/v1/completions', 'openai-chat', 'completions'],
    ['/v1/embeddings', 'openai-chat', 'embeddings'],
    ['/v1/moderations', 'openai-chat', 'moderations'],
    ['/v1/responses', 'openai-responses', 'chat'],
    ['/v1/messages?beta=true', 'anthropic', 'chat'],
    ['/v1/messages/count_tokens', 'anthropic', 'count-tokens'],
    ['/v1beta/models/g:generateContent', 'gemini', 'chat'],
    ['/v1/models/g:streamGenerateContent?alt=sse', 'gemini', 'chat'],
    ['/v1beta/models/g:countTokens', 'gemini', 'count-tokens'],
    ['/v1beta/models/g:embedContent', 'gemini', 'embeddings'],
    ['/v1beta/models/g:batchEmbedContents', 'gemini', 'batch-embeddings'],
  ])('POST %s is %s %s', (url, dialect, operation) => {
    expect(at('POST', url)).toMatchObject({ kind: 'relay', target: { dialect, operation } })
  })

  test("Gemini's path names the model, the stream and its framing", () => {
    expect(at('POST', '/v1beta/models/a%2Fb:streamGenerateContent')).toMatchObject({
      target: { pathModel: 'a/b', pathStreams: true, framing: 'json-array' },
    })
    expect(at('POST', '/v1beta/models/g:streamGenerateContent?alt=sse')).toMatchObject({
      target: { framing: 'sse' },
    })
  })

  test.each([
    ['/v1/models', {}, 'openai'],
    ['/v1/models', { 'anthropic-version': '2023-06-01' }, 'anthropic'],
    ['/v1/models', { 'x-goog-api-key': 'k' }, 'gemini'],
    ['/v1/models?key=k', {}, 'gemini'],
    ['/v1beta/models', {}, 'gemini'],
    ['/v1beta/openai/models', {}, 'openai'],
  ])('GET %s with %j lists in the shape of %s', (url, headers, shape) => {
    expect(at('GET', url, headers)).toMatchObject({ kind: 'models', shape, model: undefined })
  })

  test.each([
    ['GET', '/v1/chat/completions', 405],
    ['POST', '/v1/nothing', 404],
    ['POST', '/v1/images/generations', 404],
    ['POST', '/v1beta/models/g:predict', 404],
    ['DELETE', '/v1/models/x', 405],
  ])('%s %s is refused with %i', (method, url, status) => {
    expect(() => at(method, url)).toThrow(GatewayError)
    try {
      at(method, url)
    } catch (error) {
      expect(error).toMatchObject({ status })
    }
  })

  test('an unknown address is answered in the protocol that its beginning tells', () => {
    expect(
      ['/v1/messages/x', '/v1/responses/x', '/v1beta/x', '/v1/models/g:x', '/v1beta/openai/x', '/v1/x'].map(
        dialectOf,
      ),
    ).toEqual(['anthropic', 'openai-responses', 'gemini', 'gemini', 'openai-chat', 'openai-chat'])
  })
})
