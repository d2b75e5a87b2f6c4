import { expect, test } from 'vitest'
import { findBypassed, findIdle } from './idle.ts'
import { optionRegistry } from './options.ts'

test('each part that nothing reads has a line', () => {
  const found = findIdle({
    apiKeys: [{ user: 'alice', name: 'laptop', bodyLogging: true }],
    channels: [
      {
        name: 'a',
        settings: { vertex_key_type: 'json', system_prompt: 'Be brief.', force_format: true },
      },
    ],
    options: [{ key: 'relay.retryTimes' }],
  })
  expect(found).toEqual(
    ['API key alice/laptop: bodyLogging', 'channel a: settings.vertex_key_type'].map(
      what => `${what} is kept but has no effect in this version yet`,
    ),
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
      apiKeys: [{ user: 'alice', name: 'laptop', bodyLogging: false }],
      channels: [{ name: 'a', settings }],
    }),
  ).toEqual([])
})

test('what a pass-through keeps from the body has a line', () => {
  const of = (passes: boolean) => ({
    name: 'a',
    modelMapping: { x: 'y' },
    paramOverride: { temperature: 0 },
    settings: { pass_through_body_enabled: passes, system_prompt: 'Be brief.' },
  })
  expect(findBypassed([of(false)])).toEqual([])
  expect(findBypassed([of(true)])).toEqual([
    'channel a: paramOverride has no effect, beside settings.pass_through_body_enabled',
    'channel a: settings.system_prompt has no effect, beside settings.pass_through_body_enabled',
    'channel a: modelMapping counts in the address alone, never in the body, beside settings.pass_through_body_enabled',
  ])
})

test('says of every option fetch.* that nothing fetches for users yet', () => {
  const options = Object.keys(optionRegistry)
    .filter(key => key.startsWith('fetch.'))
    .map(key => ({ key }))
  expect([options.length, findIdle({ options }).length]).toEqual([8, 8])
})
