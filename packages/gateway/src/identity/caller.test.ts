import { describe, expect, test } from 'vitest'
import { isInRanges, mayComeFrom, mayUseModel, parseRange, readCallerKey } from './caller.ts'

const row = {
  id: 7,
  name: 'k',
  account_id: 3,
  user_id: 5,
  organisation_id: null,
  organisation_group: null,
  rate_limit: null,
  status: 'enabled',
  group_name: null,
  models: null,
  deny_models: null,
  endpoints: null,
  allow_ips: null,
  expires_at: null,
  limit_nusd: null,
  spent_nusd: 5n,
  username: 'ann',
  role: 'user',
  user_status: 'enabled',
  user_group: 'vip',
} as const

const keyOf = (wishes: object) => readCallerKey({ ...row, ...wishes })

test("a key without limits of its own has its user's group and may do everything", () => {
  expect(keyOf({})).toEqual({
    id: 7,
    name: 'k',
    accountId: 3,
    userId: 5,
    username: 'ann',
    userGroup: 'vip',
    organisation: undefined,
    role: 'user',
    isUserEnabled: true,
    isEnabled: true,
    group: 'vip',
    expiresAt: undefined,
    limitNusd: undefined,
    spent: { nusd: 5n },
    endpoints: undefined,
    allowIps: undefined,
    models: undefined,
    denyModels: [],
    rateLimit: undefined,
  })
})

test("a key's own limits are read", () => {
  const key = keyOf({
    group_name: 'own',
    status: 'disabled',
    user_status: 'disabled',
    endpoints: '["chat"]',
    expires_at: 9,
    limit_nusd: 2n ** 62n,
    models: '[]',
  })
  expect(key).toMatchObject({
    group: 'own',
    isEnabled: false,
    isUserEnabled: false,
    expiresAt: 9,
    limitNusd: 2n ** 62n,
    models: [],
  })
  expect(key.endpoints?.has('chat')).toBe(true)
})

describe('models', () => {
  test.each([
    { says: 'all without a list', allow: null, deny: null, model: 'gpt-4o', may: true },
    { says: 'a listed name', allow: ['gpt-4o'], deny: null, model: 'gpt-4o', may: true },
    { says: 'no other name', allow: ['gpt-4o'], deny: null, model: 'gpt-4o-mini', may: false },
    { says: 'none with an empty list', allow: [], deny: null, model: 'gpt-4o', may: false },
    { says: 'a pattern', allow: ['claude-*'], deny: null, model: 'claude-sonnet-4-5', may: true },
    {
      says: 'a pattern from the beginning on',
      allow: ['claude-*'],
      deny: null,
      model: 'my-claude-3',
      may: false,
    },
    { says: 'a pattern with two stars', allow: ['*-4*'], deny: null, model: 'gpt-4o', may: true },
    { says: 'a denied name wins', allow: ['*'], deny: ['gpt-4o'], model: 'gpt-4o', may: false },
    {
      says: 'a denied pattern wins',
      allow: ['o3-preview'],
      deny: ['*-preview'],
      model: 'o3-preview',
      may: false,
    },
    { says: 'what is not denied', allow: null, deny: ['*-preview'], model: 'o3', may: true },
    { says: 'a dot is a dot', allow: ['gpt-4.1'], deny: null, model: 'gpt-4x1', may: false },
    { says: 'case counts', allow: ['gpt-4o'], deny: null, model: 'GPT-4o', may: false },
    {
      says: 'many stars end soon',
      allow: [`${'*a'.repeat(40)}b`],
      deny: null,
      model: 'a'.repeat(5_000),
      may: false,
    },
  ])('$says: $may', ({ allow, deny, model, may }) => {
    const key = keyOf({ models: allow && JSON.stringify(allow), deny_models: deny && JSON.stringify(deny) })
    expect(mayUseModel(key, model)).toBe(may)
  })
})

describe('addresses', () => {
  test.each([
    { range: '10.0.0.0/8', ip: '10.255.0.1', is: true },
    { range: '10.0.0.0/8', ip: '11.0.0.1', is: false },
    { range: '192.0.2.7', ip: '192.0.2.7', is: true },
    { range: '192.0.2.7', ip: '192.0.2.8', is: false },
    { range: '192.0.2.0/24', ip: '::ffff:192.0.2.9', is: true },
    { range: '192.0.2.0/24', ip: '::ffff:c000:209', is: true },
    { range: '0.0.0.0/0', ip: '2001:db8::1', is: false },
    { range: '::/0', ip: '192.0.2.9', is: false },
    { range: '2001:db8::/32', ip: '2001:db8:1::1', is: true },
    { range: '2001:db8::1', ip: '2001:0db8:0:0::1', is: true },
    { range: '2001:db8::/32', ip: '2001:db9::1', is: false },
    { range: '10.0.0.0/8', ip: '', is: false },
    { range: '10.0.0.0/8', ip: 'localhost', is: false },
    { range: '10.0.0.0/8', ip: '10.0.0.1:443', is: false },
    { range: '10.0.0.0/8', ip: '10.0.0.1, 10.0.0.2', is: false },
  ])('$ip in $range: $is', ({ range, ip, is }) => {
    expect(isInRanges(ip, [parseRange(range)])).toBe(is)
    expect(mayComeFrom(keyOf({ allow_ips: JSON.stringify([range]) }), ip)).toBe(is)
  })

  test('without a list a key may come from everywhere, with an empty one from nowhere', () => {
    expect(mayComeFrom(keyOf({}), '192.0.2.1')).toBe(true)
    expect(mayComeFrom(keyOf({ allow_ips: '[]' }), '192.0.2.1')).toBe(false)
  })
})
