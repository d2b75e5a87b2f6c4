import { expect, test } from 'vitest'
import { checkOption, optionRegistry, resolveOptions } from './options.ts'

test('without rows every option has its fallback', () => {
  const options = resolveOptions([])
  expect(options['relay.retryTimes']).toBe(3)
  expect(options['relay.connectTimeoutMs']).toBe(5_000)
  expect(options['journal.sync']).toBe('group')
  expect(Object.keys(options)).toEqual(Object.keys(optionRegistry))
})

test('a stored row wins over the environment, and that over the fallback', () => {
  const defaults = { 'relay.idleTimeoutMs': 60_000, 'relay.totalTimeoutMs': 90_000 }
  const options = resolveOptions([{ key: 'relay.idleTimeoutMs', value: '1000' }], defaults)
  expect(options['relay.idleTimeoutMs']).toBe(1_000)
  expect(options['relay.totalTimeoutMs']).toBe(90_000)
  expect(options['relay.firstByteTimeoutMs']).toBe(120_000)
})

test.each([
  {
    key: 'relay.retryTimes',
    value: '21',
    says: 'relay.retryTimes: found 21, allowed: a whole number from 0 to 20',
  },
  {
    key: 'relay.retryTimes',
    value: '"3"',
    says: 'relay.retryTimes: found "3", allowed: a whole number from 0 to 20',
  },
  { key: 'journal.sync', value: '"never"', says: 'journal.sync: found "never", allowed: group or always' },
  { key: 'server.trustedProxies', value: '["x"]', says: 'allowed: a list of IP addresses and CIDR ranges' },
  { key: 'relay.retrytime', value: '3', says: 'did you mean relay.retryTimes?' },
  { key: 'constructor', value: '3', says: 'constructor: found an unknown option' },
  { key: 'relay.retryTimes', value: '{', says: 'relay.retryTimes: found "{"' },
])('refuses $key = $value', ({ key, value, says }) => {
  expect(() => resolveOptions([{ key, value }])).toThrow(says)
})

test("New API's module fields are options under their own names", () => {
  expect(checkOption('gemini.thinking_adapter_enabled', true)).toEqual({ kind: 'value', value: true })
})

test.each([
  ['limits.user', { requestsPerMinute: 3 }, true],
  ['limits.user', { requestsPerMinute: 0 }, false],
  ['limits.user', { requestsPerMinute: 1.5 }, false],
  ['limits.user', { requestPerMinute: 3 }, false],
  ['limits.user', [], false],
  ['limits.userByGroup', { vip: { concurrency: 1 }, staff: {} }, true],
  ['limits.userByGroup', { vip: 3 }, false],
  ['limits.userModelByGroup', { vip: { 'claude-*': { tokensPerMinute: 1_000_000_000 } } }, true],
  ['limits.userModelByGroup', { vip: { concurrency: 1 } }, false],
  ['limits.modelRequestsGroup', { vip: [0, 100_000_000] }, true],
  ['limits.modelRequestsGroup', { vip: [0] }, false],
  ['limits.modelRequestsGroup', { vip: [0, 100_000_001] }, false],
  ['limits.modelRequestsDurationMinutes', 0, false],
])('%s takes %j: %j', (key, value, isTaken) => {
  expect(checkOption(key, value).kind).toBe(isTaken ? 'value' : 'issue')
})
