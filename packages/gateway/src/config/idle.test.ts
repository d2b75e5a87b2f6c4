import { expect, test } from 'vitest'
import { findIdle } from './idle.ts'

const silent = {
  statusCodeMapping: undefined,
  paramOverride: undefined,
  headerOverride: undefined,
  settings: undefined,
}

test('each part that nothing reads has a line', () => {
  const found = findIdle({
    apiKeys: [{ user: 'alice', name: 'laptop', bodyLogging: true }],
    channels: [
      {
        name: 'a',
        statusCodeMapping: { 429: 503 },
        paramOverride: { temperature: 0 },
        headerOverride: { x: 'y' },
        settings: { system_prompt: 'Be brief.', force_format: true },
      },
    ],
    options: [{ key: 'relay.retryTimes' }],
  })
  expect(found).toEqual(
    [
      'API key alice/laptop: bodyLogging',
      'channel a: statusCodeMapping',
      'channel a: paramOverride',
      'channel a: headerOverride',
      'channel a: settings.system_prompt',
    ].map(what => `${what} is kept but has no effect in this version yet`),
  )
})

test('what is off or empty misses nothing', () => {
  const settings = {
    system_prompt: '',
    pass_through_body_enabled: false,
    upstream_model_update_ignored_models: [],
  }
  expect(
    findIdle({
      apiKeys: [{ user: 'alice', name: 'laptop', bodyLogging: false }],
      channels: [{ ...silent, name: 'a', paramOverride: {}, settings }],
    }),
  ).toEqual([])
})
