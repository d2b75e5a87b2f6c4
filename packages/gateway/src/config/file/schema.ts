import { type PriceRates, PricingError, parsePrice, parseUsd } from '@yumen/pricing'
import { dialectNames } from '@yumen/protocol'
import { catalogue, findProvider } from '@yumen/providers'
import { z } from 'zod'
import { checkHeaderOverrideNames, checkParamOverride, isErrorStatus, mappableWords } from '#overrides'
import { isCidr } from '../cidr.ts'
import { keyEndpoints } from '../key-endpoints.ts'
import { checkOption, optionRegistry } from '../options.ts'
import { ratePartMax } from '../rate-limits.ts'
import { suggestName } from '../suggest.ts'
import { isBaseUrl, isWholeAddress } from './base-url.ts'
import { channelSettings } from './channel-settings.ts'
import { ratioUpTo, unlessPricingError } from './ratios.ts'
import { known, listOf, mapOf, oneOf, secretSource, text, textOf, wholeNumber } from './schema-parts.ts'

/** Paths whose numbers stay the text that the file has: money and ratios never pass through a float. */
export const decimalPaths = [
  ['groups', '*', 'ratio'],
  ['prices', '*', '*'],
  ['users', '*', 'balance'],
  ['apiKeys', '*', 'limit'],
] as const

const objectName = textOf(
  'a name of 1 to 255 characters, without control characters or spaces around it',
  name =>
    name.length <= 255 && name.trim() === name && name !== '' && !/\p{Cc}/u.test(name) ? name : undefined,
)
const username = textOf(
  'a name of 1 to 64 characters, without /, control characters or spaces around it',
  name => (/^[^/\p{Cc}]{1,64}$/u.test(name) && name.trim() === name ? name : undefined),
)
const patterns = listOf(
  text('the name of a model, or a pattern like claude-*'),
  'a list of model names and patterns',
)
const amount = 'an amount in USD like "10.00", with at most nine digits after the point'
const usd = textOf(amount, readAmount)
const ratio = ratioUpTo(1_000n, 'a decimal like "0.8" or a fraction like "25/3", at most 1000')
const balance = textOf(`${amount}, or unlimited`, found =>
  found === 'unlimited' ? found : readAmount(found),
)
const time = textOf('a time like 2027-01-01T00:00:00Z', found =>
  z.iso.datetime({ offset: true }).safeParse(found).success ? Date.parse(found) : undefined,
)

/** Ten thousand times the dearest model: beyond it a point is in the wrong place, and a charge may not fit. */
const rate = ratioUpTo(
  1_000_000n,
  'a decimal like "2.50" or a fraction like "25/3": USD per million tokens, at most 1000000',
)
const callRate = ratioUpTo(
  10_000n,
  'a decimal like "0.04" or a fraction like "1/3": USD per call, at most 10000',
)
const rateNames = {
  input: rate,
  output: rate,
  cacheRead: rate,
  cacheWrite: rate,
  cacheWrite5m: rate,
  cacheWrite1h: rate,
  imageInput: rate,
  imageOutput: rate,
  audioInput: rate,
  audioOutput: rate,
  audioCacheRead: rate,
  reasoning: rate,
  perCall: callRate,
} satisfies Record<keyof PriceRates, z.ZodType>
const price = known('rates', partial(rateNames)).superRefine((rates, context) => {
  const refusal = pricingErrorOf(() => parsePrice(rates))
  if (refusal !== undefined) context.addIssue({ code: 'custom', message: refusal })
})

const group = known('a group', { ratio, description: text('a text').optional() })
const user = known('a user', {
  username,
  role: oneOf(['user', 'admin', 'root']).optional(),
  group: objectName.optional(),
  balance: balance.optional(),
  password: secretSource.optional(),
})
const perMinute = wholeNumber(1, ratePartMax)
const apiKey = known('an API key', {
  user: username,
  name: objectName,
  key: secretSource.optional(),
  models: patterns.optional(),
  denyModels: patterns.optional(),
  endpoints: listOf(oneOf(keyEndpoints), `a list of ${keyEndpoints.join(', ')}`).optional(),
  bodyLogging: z.boolean('true or false').optional(),
  group: objectName.optional(),
  limit: usd.optional(),
  expiresAt: time.optional(),
  allowIps: listOf(
    textOf('an IP address or a range like 10.0.0.0/8', range => (isCidr(range) ? range : undefined)),
    'a list of IP addresses and ranges',
  ).optional(),
  rateLimit: known('rate limits', {
    requestsPerMinute: perMinute.optional(),
    tokensPerMinute: perMinute.optional(),
    concurrency: perMinute.optional(),
  }).optional(),
  enabled: z.boolean('true or false').optional(),
})

const providerWords = "the id of a provider, or New API's channel type number"
const provider = z.union([z.string(), z.int()], providerWords).transform((found, context) => {
  const entry = findProvider(typeof found === 'string' && /^\d+$/.test(found) ? Number(found) : found)
  if (entry !== undefined && entry.unavailable === undefined) return entry
  const usable = catalogue.filter(each => each.unavailable === undefined).map(each => each.id)
  const message = entry?.unavailable ?? suggestName(String(found), usable)
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})
const addressWords =
  "an http or https address of visible ASCII characters, without credentials, a query or a fragment, and no cloud's metadata service"
const channel = known('a channel', {
  name: objectName,
  provider,
  baseUrl: textOf(addressWords, found => (isWholeAddress(found) ? found : undefined)).optional(),
  keys: listOf(secretSource, 'a list of keys: texts, { env: NAME } or { file: PATH }').optional(),
  keyMode: oneOf(['random', 'polling']).optional(),
  models: listOf(text('the name of a model'), 'a list of model names').optional(),
  groups: listOf(objectName, 'a list of groups').optional(),
  priority: wholeNumber(-1_000_000_000, 1_000_000_000).optional(),
  weight: wholeNumber(0, 1_000_000).optional(),
  modelMapping: mapOf(text('the name of a model'), 'model names by model name').optional(),
  statusCodeMapping: mapOf(
    z.union([z.int(), z.string()], mappableWords).refine(isErrorStatus, mappableWords),
    'statuses by status',
  )
    .superRefine(checkStatusKeys)
    .optional(),
  paramOverride: mapOf(z.unknown(), 'an object')
    .superRefine((value, context) => {
      for (const { path, allowed } of checkParamOverride(value))
        context.addIssue({ code: 'custom', path: [...path], message: allowed })
    })
    .optional(),
  headerOverride: mapOf(
    z.union([z.literal(''), secretSource], 'a text, { env: NAME } or { file: PATH }'),
    'texts by header name',
  )
    .superRefine(checkHeaderNames)
    .optional(),
  settings: channelSettings.optional(),
  dialect: oneOf(dialectNames).optional(),
  enabled: z.boolean('true or false').optional(),
}).superRefine(({ provider: kind, baseUrl }, context) => {
  // Paths and queries of calls are put behind the addresses of all others.
  if (baseUrl !== undefined && !isBaseUrl(baseUrl) && kind.takesWholeAddress !== true)
    context.addIssue({ code: 'custom', path: ['baseUrl'], message: addressWords })
})

const options = mapOf(z.unknown(), 'options by key').superRefine((values, context) => {
  for (const [key, value] of Object.entries(values)) {
    const checked = checkOption(key, value)
    if (checked.kind === 'value') continue
    const isUnknown = !Object.hasOwn(optionRegistry, key)
    context.addIssue({
      code: 'custom',
      path: [key],
      message: checked.issue.allowed,
      ...(isUnknown && { params: { isUnknownKey: true } }),
    })
  }
})

/** The whole declarative file. Every message of an issue says what is allowed in its place. */
export const fileSchema = known('a declarative file', {
  apiVersion: z.literal('yumen/v1', 'yumen/v1'),
  groups: mapOf(group, 'groups by name').optional(),
  prices: mapOf(price, 'prices by model name or pattern').optional(),
  users: uniqueList(user, 'users', ['username', ({ username: name }) => name]).optional(),
  apiKeys: uniqueList(apiKey, 'API keys', ['name', ({ user: owner, name }) => `${owner}/${name}`]).optional(),
  channels: uniqueList(channel, 'channels', ['name', ({ name }) => name]).optional(),
  options: options.optional(),
})
export type FileContent = z.output<typeof fileSchema>

/** The items of a list, of which no two may have the same name. `member` is where the name stands. */
function uniqueList<Item extends z.ZodType>(
  item: Item,
  what: string,
  [member, nameOf]: readonly [string, (value: z.output<Item>) => string],
) {
  return listOf(item, `a list of ${what}`).superRefine((items, context) => {
    const seen = new Set<string>()
    for (const [index, value] of items.entries()) {
      const name = nameOf(value)
      if (seen.has(name))
        context.addIssue({ code: 'custom', path: [index, member], message: `${name} only once` })
      seen.add(name)
    }
  })
}

function partial<Shape extends Record<string, z.ZodType>>(shape: Shape) {
  return z.object(shape).partial().shape
}

function readAmount(found: string): bigint | undefined {
  const nanos = unlessPricingError(() => parseUsd(found))
  return nanos === undefined || nanos < 0n ? undefined : nanos
}

function checkStatusKeys(values: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const key of Object.keys(values)) {
    if (!isErrorStatus(key)) context.addIssue({ code: 'custom', path: [key], message: mappableWords })
  }
}

/** Their values may lie elsewhere and are looked at when they are read. */
function checkHeaderNames(values: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const { path, allowed } of checkHeaderOverrideNames(Object.keys(values)))
    context.addIssue({ code: 'custom', path: [...path], message: allowed })
}

function pricingErrorOf(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    if (error instanceof PricingError) return error.message
    throw error
  }
}
