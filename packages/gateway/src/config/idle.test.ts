import { expect, test } from 'vitest'
import { findIdle } from './idle.ts'

test('each part that nothing reads has a line', () => {
  const found = findIdle({
    apiKeys: [{ user: 'alice', name: 'laptop', rateLimit: { concurrency: 1 }, bodyLogging: true }],
    channels: [
      {
        name: 'a',
        settings: { vertex_key_type: 'json', system_prompt: 'Be brief.', force_format: true },
      },
    ],
    options: [{ key: 'relay.retryTimes' }],
  })
  expect(found).toEqual(
    [
      'API key alice/laptop: rateLimit',
      'API key alice/laptop: bodyLogging',
      'channel a: settings.vertex_key_type',
    ].map(what => `${what} is kept but has no effect in this version yet`),
  )
})

test('what is off or empty misses nothing', () => {
  const settings = {
    vertex_key_type: '',
    openrouter_enterprise: false,
    upstream_model_update_ignored_models: [],
  }
  expect(
    findIdle({
      apiKeys: [{ user: 'alice', name: 'laptop', rateLimit: null, bodyLogging: false }],
      channels: [{ name: 'a', settings }],
    }),
  ).toEqual([])
})
