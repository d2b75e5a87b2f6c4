import { describe, expect, test } from 'vitest'
import { pickWeighted } from './select.ts'
import { ask, bedOf, type ChannelWish, createSeeded, planOf } from './testing.ts'

function routingOver(wishes: readonly ChannelWish[], random: () => number = () => 0) {
  return bedOf(wishes, { random }).routing
}

describe('tiers', () => {
  test('every channel of the best priority comes before any of the next', () => {
    const random = createSeeded(1)
    const routing = routingOver(
      [{ id: 1 }, { id: 2, priority: 5 }, { id: 3, priority: 5 }, { id: 4, priority: -1 }],
      random,
    )
    for (let round = 0; round < 50; round++) {
      const order = planOf(routing)
      expect(order.slice(0, 2)).toEqual(expect.arrayContaining(['2.0', '3.0']))
      expect(order.slice(2)).toEqual(['1.0', '4.0'])
    }
  })

  test('a channel that stands in two groups of `auto` is offered once', () => {
    const channels = [
      { id: 1, groups: new Set(['vip', 'default']) },
      { id: 2, groups: new Set(['default']) },
    ]
    const { routing } = bedOf(channels, { options: { 'routing.autoGroups': ['vip', 'default'] } })
    expect(planOf(routing, { group: 'auto' })).toEqual(['1.0', '2.0'])
  })

  test("a channel's further keys come behind every channel of its tier, and before the next tier", () => {
    const order = planOf(
      routingOver([
        { id: 1, keys: 3, priority: 1 },
        { id: 2, priority: 1 },
        { id: 3, keys: 2 },
      ]),
    )
    expect(order).toEqual(['1.0', '2.0', '1.1', '1.2', '3.0', '3.1'])
  })

  test('each key is offered once, whatever chance says', () => {
    const random = createSeeded(2)
    const routing = routingOver(
      [
        { id: 1, keys: 4 },
        { id: 2, keys: 2, weight: 7 },
        { id: 3, keys: 1, weight: 0 },
      ],
      random,
    )
    for (let round = 0; round < 100; round++) {
      const order = planOf(routing)
      expect(new Set(order).size).toBe(7)
      expect(order).toHaveLength(7)
    }
  })
})

describe('weights', () => {
  const firsts = (weights: readonly number[], rounds = 20_000) => {
    const routing = routingOver(
      weights.map((weight, index) => ({ id: index + 1, weight })),
      createSeeded(3),
    )
    const counts = weights.map(() => 0)
    for (let round = 0; round < rounds; round++) {
      const index = Number(planOf(routing)[0]?.split('.')[0]) - 1
      counts[index] = (counts[index] ?? 0) + 1
    }
    return counts.map(count => count / rounds)
  }

  test.each([
    { says: 'equal weights share alike', weights: [1, 1], shares: [0.5, 0.5] },
    { says: 'a share is the part of the sum', weights: [1, 2, 7], shares: [0.1, 0.2, 0.7] },
    { says: 'a weight of 0 beside others comes last', weights: [0, 3, 1], shares: [0, 0.75, 0.25] },
    { says: 'weights that are all 0 share alike', weights: [0, 0, 0, 0], shares: [0.25, 0.25, 0.25, 0.25] },
  ])('$says', ({ weights, shares }) => {
    for (const [index, share] of firsts(weights).entries()) expect(share).toBeCloseTo(shares[index] ?? -1, 1)
  })

  test.each([
    { weights: [1, 1], at: 0, gives: 0 },
    { weights: [1, 1], at: 0.5, gives: 1 },
    { weights: [1, 1], at: 0.999_999_999, gives: 1 },
    { weights: [0, 1], at: 0, gives: 1 },
    { weights: [1, 0], at: 0.999_999_999, gives: 0 },
    { weights: [0, 0], at: 0.999_999_999, gives: 1 },
    { weights: [5], at: 0.7, gives: 0 },
  ])('of $weights chance $at gives $gives', ({ weights, at, gives }) => {
    expect(pickWeighted(weights, at)).toBe(gives)
  })
})

describe('keys of a channel', () => {
  test('polling: each request begins with the next', () => {
    const routing = routingOver([{ id: 1, keys: 3, keyMode: 'polling' }])
    expect([1, 2, 3, 4].map(() => planOf(routing)[0])).toEqual(['1.0', '1.1', '1.2', '1.0'])
  })

  test('polling: two channels have turns of their own', () => {
    const routing = routingOver([
      { id: 1, keys: 2, keyMode: 'polling', priority: 1 },
      { id: 2, keys: 3, keyMode: 'polling' },
    ])
    expect(planOf(routing)).toEqual(['1.0', '1.1', '2.0', '2.1', '2.2'])
    expect(planOf(routing)).toEqual(['1.1', '1.0', '2.1', '2.2', '2.0'])
  })

  test('random: every key is as likely to be first', () => {
    const routing = routingOver([{ id: 1, keys: 4 }], createSeeded(4))
    const counts = new Map<string, number>()
    for (let round = 0; round < 8_000; round++) {
      const first = planOf(routing)[0] ?? ''
      counts.set(first, (counts.get(first) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(['1.0', '1.1', '1.2', '1.3'])
    for (const count of counts.values()) expect(count / 8_000).toBeCloseTo(0.25, 1)
  })
})

test('a plan is lazy: the next candidate is drawn when it is asked for', () => {
  let draws = 0
  const random = () => {
    draws++
    return 0
  }
  const plan = routingOver(
    [{ id: 1 }, { id: 2 }, { id: 3, priority: -1 }, { id: 4, priority: -1 }],
    random,
  ).plan(ask)
  if (plan.kind === 'none') throw new Error(plan.reason)
  plan.candidates.next()
  const afterFirst = draws
  plan.candidates.next()
  plan.candidates.next()
  expect(draws).toBeGreaterThan(afterFirst)
})

describe("the upstream's model", () => {
  test.each([
    { says: "is the client's without a mapping", mapping: {}, gives: 'm' },
    { says: 'follows a mapping', mapping: { m: 'n' }, gives: 'n' },
    { says: 'follows a chain to its end', mapping: { m: 'n', n: 'o', o: 'p' }, gives: 'p' },
    { says: 'may be mapped to itself', mapping: { m: 'm' }, gives: 'm' },
    { says: 'is not mapped to nothing', mapping: { m: '' }, gives: 'm' },
    {
      says: 'is not mapped by what all objects have',
      mapping: { x: 'y' },
      model: 'constructor',
      gives: 'constructor',
    },
  ])('$says', ({ mapping, gives, model = 'm' }) => {
    const entries = Object.entries<string>(mapping)
    for (const more of [{}, { keys: 2 }]) {
      const plan = routingOver([
        { id: 1, models: new Set([model]), modelMapping: new Map(entries), ...more },
      ]).plan({ ...ask, model })
      if (plan.kind === 'none') throw new Error(plan.reason)
      expect(plan.candidates.next()).toMatchObject({ value: { upstreamModel: gives } })
    }
  })
})

describe('why there is nowhere to go', () => {
  test.each([
    {
      says: 'no channel lists the model',
      channels: [{ id: 1 }],
      wishes: { model: 'other' },
      gives: 'not_served',
    },
    {
      says: 'none of the group does',
      channels: [{ id: 1, groups: new Set(['vip']) }],
      wishes: {},
      gives: 'not_served',
    },
    {
      says: 'all that do are disabled',
      channels: [{ id: 1, isEnabled: false }],
      wishes: {},
      gives: 'none_enabled',
    },
    { says: 'none that does has a key', channels: [{ id: 1, keys: 0 }], wishes: {}, gives: 'no_key' },
    {
      says: 'the named channel has no key',
      channels: [{ id: 1, keys: 0 }],
      wishes: { pinnedChannelId: 1 },
      gives: 'no_key',
    },
    {
      says: 'none speaks the dialect',
      channels: [{ id: 1 }],
      wishes: { dialect: 'anthropic' },
      gives: 'dialect_unsupported',
    },
    {
      says: 'the channel is bound to another dialect',
      channels: [{ id: 1, dialect: 'openai-responses' }],
      wishes: {},
      gives: 'dialect_unsupported',
    },
    {
      says: 'the named channel does not exist',
      channels: [{ id: 1 }],
      wishes: { pinnedChannelId: 9 },
      gives: 'pinned_unknown',
    },
    {
      says: 'the named channel is disabled',
      channels: [{ id: 1, isEnabled: false }],
      wishes: { pinnedChannelId: 1 },
      gives: 'pinned_disabled',
    },
    {
      says: 'the named channel speaks otherwise',
      channels: [{ id: 1 }],
      wishes: { pinnedChannelId: 1, dialect: 'gemini' },
      gives: 'dialect_unsupported',
    },
  ] as const)('$says', ({ channels, wishes, gives }) => {
    expect(planOf(routingOver(channels), wishes)).toBe(gives)
  })

  test('a named channel is the only candidate, whatever it lists and whoever else could', () => {
    const routing = routingOver([
      { id: 1, priority: 9 },
      { id: 2, models: new Set(['x']), groups: new Set(['vip']), keys: 2 },
    ])
    expect(planOf(routing, { pinnedChannelId: 2 })).toEqual(['2.0', '2.1'])
  })

  test('those that are disabled or speak otherwise are passed over', () => {
    const routing = routingOver([
      { id: 1, isEnabled: false, priority: 9 },
      { id: 2, provider: 'anthropic', priority: 8 },
      { id: 3 },
    ])
    expect(planOf(routing)).toEqual(['3.0'])
  })
})
