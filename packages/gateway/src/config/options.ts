import {
  type Check,
  type Checked,
  isFlag,
  isObject,
  numberBetween,
  oneOf,
  textsOf,
  wholeBetween,
} from './checks.ts'
import { isCidr } from './cidr.ts'
import { ConfigError, type ConfigIssue, showFound } from './config-error.ts'
import { limitOptions } from './limit-options.ts'
import { limits } from './limits.ts'
import { suggestName } from './suggest.ts'

/**
 * A runtime value that the store keeps: what it may be, what it is when nobody set it, and what it is for.
 */
interface OptionDefinition<Value = unknown> {
  readonly accepts: Check<Value>
  readonly fallback: Value
  readonly allowed: string
  readonly about: string
  /** Taken from New API and kept, but nothing reads it yet; `doctor` says so. */
  readonly isPlanned?: true
}

const dayMs = 86_400_000
const milliseconds = (least: number, fallback: number, about: string) => ({
  accepts: wholeBetween(least, dayMs),
  fallback,
  allowed: `whole milliseconds from ${least} to ${dayMs}`,
  about,
})
const wholeNumber = (max: number, fallback: number, about: string) => ({
  accepts: wholeBetween(0, max),
  fallback,
  allowed: `a whole number from 0 to ${max}`,
  about,
})
const countFrom1 = (max: number, fallback: number, about: string) => ({
  accepts: wholeBetween(1, max),
  fallback,
  allowed: `a whole number from 1 to ${max}`,
  about,
})
const flag = (fallback: boolean, about: string) => ({
  accepts: isFlag,
  fallback,
  allowed: 'true or false',
  about,
})
const wordTexts = textsOf(word => word.length >= 1 && word.length <= 100, 20_000)

const ownOptions = defineOptions({
  'relay.connectTimeoutMs': milliseconds(1, 5_000, 'Time for a connection to an upstream, TLS included.'),
  'relay.firstByteTimeoutMs': milliseconds(
    1,
    120_000,
    'Time from the request sent to the first byte of the answer.',
  ),
  'relay.idleTimeoutMs': milliseconds(1, 300_000, 'Longest silence of an upstream within its answer.'),
  'relay.totalTimeoutMs': milliseconds(1, 1_800_000, 'Time for a whole request, all attempts together.'),
  'relay.pingIntervalMs': milliseconds(
    0,
    15_000,
    'A keep-alive goes to a streaming client after this silence; 0: never.',
  ),
  'relay.retryTimes': wholeNumber(20, 3, 'Candidates that are tried after the first.'),
  'relay.exposeUpstreamModel': flag(false, "Answers name the upstream's model instead of the client's."),
  'routing.breakerFailures': {
    accepts: wholeBetween(1, 1_000),
    fallback: 5,
    allowed: 'a whole number from 1 to 1000',
    about:
      'Failures in a row after which a channel gets no more requests for the model; one in two within 30 s does too.',
  },
  'routing.breakerOpenMs': milliseconds(
    100,
    5_000,
    'So long it rests at first, twice as long after each probe that fails, at most five minutes.',
  ),
  'routing.retryShare': {
    accepts: numberBetween(0, 20),
    fallback: 1,
    allowed: 'a number from 0 to 20',
    about: 'Retries per request that failing upstreams may cost within ten seconds, beside 20 that are free.',
  },
  'routing.affinity': flag(true, 'Keeps a conversation on the channel key that has cached its prompt.'),
  'routing.autoGroups': {
    accepts: textsOf(text => text !== '' && text !== 'auto', 1_000),
    fallback: ['default'],
    allowed: 'a list of groups',
    about: 'Where a key of the group auto may go: the groups in their order.',
  },
  'monitor.autoTestChannelEnabled': flag(
    false,
    'Channels are asked for a few tokens regularly, which costs a little.',
  ),
  'monitor.autoTestChannelMinutes': {
    accepts: wholeBetween(1, 1_440),
    fallback: 10,
    allowed: 'whole minutes from 1 to 1440',
    about: 'How often.',
  },
  'journal.sync': {
    accepts: oneOf(['group', 'always']),
    fallback: 'group',
    allowed: 'group or always',
    about: 'When the journal is forced to disk: in groups every 100 ms, or before each answer ends.',
  },
  'analytics.requestRetentionDays': wholeNumber(
    36_500,
    90,
    'Days that the request log is kept; 0: for ever.',
  ),
  'server.trustedProxies': {
    accepts: textsOf(isCidr, 256),
    fallback: [],
    allowed: 'a list of IP addresses and CIDR ranges',
    about: 'Proxies whose X-Forwarded-For is believed.',
  },
  'server.connectionsPerAddressMax': countFrom1(
    limits.connectionsMax,
    limits.connectionsPerAddressMax,
    'Open connections of one client address (IPv6: of a /64); trusted proxies have no such limit.',
  ),
  'server.streamsPerKeyMax': countFrom1(
    limits.connectionsMax,
    limits.streamsPerKeyMax,
    'Open streams of one API key; the newest is refused with 429.',
  ),
  'sensitive.enabled': flag(false, 'Prompts that hold a word of sensitive.words are refused.'),
  'sensitive.checkPrompts': flag(true, 'With sensitive.enabled: prompts are searched.'),
  'sensitive.words': {
    accepts: isWordList,
    fallback: [],
    allowed: 'a list of at most 20,000 words of 1 to 100 characters, 262,144 characters in all',
    about: 'Words that a prompt must not hold, upper and lower case alike.',
  },
  'fetch.enableSsrfProtection': flag(
    true,
    'Addresses that users name are checked before they are fetched. Off: metadata services alone are refused.',
  ),
  'fetch.allowPrivateIp': flag(false, 'Users may have loopback, private and link-local addresses fetched.'),
  'fetch.domainFilterMode': {
    accepts: oneOf(['deny', 'allow']),
    fallback: 'deny',
    allowed: 'deny or allow',
    about: 'Whether fetch.domainList names the hosts that are refused, or the only ones that are not.',
  },
  'fetch.domainList': {
    accepts: textsOf(isDomainPattern, 1_000),
    fallback: [],
    allowed: 'a list of host names; *.example.com is example.com and all below it',
    about: 'Hosts of addresses that users name, by fetch.domainFilterMode.',
  },
  'fetch.ipFilterMode': {
    accepts: oneOf(['deny', 'allow']),
    fallback: 'deny',
    allowed: 'deny or allow',
    about: 'Whether fetch.ipList names the addresses that are refused, or the only ones that are not.',
  },
  'fetch.ipList': {
    accepts: textsOf(isCidr, 1_000),
    fallback: [],
    allowed: 'a list of IP addresses and CIDR ranges',
    about: 'IP addresses that users may have fetched or not, by fetch.ipFilterMode.',
  },
  'fetch.allowedPorts': {
    accepts: textsOf(isPortRange, 100),
    fallback: ['80', '443', '8080', '8443'],
    allowed: 'a list of ports and ranges as texts: "443", "8000-8999"',
    about: 'Ports of addresses that users name; an empty list allows all.',
  },
  'fetch.applyIpFilterForDomain': flag(
    true,
    'fetch.ipList counts for what a name resolves to as well. Private addresses are refused in any case.',
  ),
})

/** New API's protocol modules keep their own field names, so that its settings move in unchanged. */
const newApiOptions = defineOptions({
  'global.pass_through_request_enabled': flag(
    false,
    'Sends the body of every request as the client wrote it, on every channel: nothing is mapped or added in it.',
  ),
  'global.thinking_model_blacklist': planned(names([], 'Models whose names never lose a thinking suffix.')),
  'global.chat_completions_to_responses_policy': planned(
    object({}, 'Which chat requests go out as Responses.'),
  ),
  'claude.model_headers_settings': planned(object({}, 'Further headers by model, for Claude.')),
  'claude.default_max_tokens': planned(
    object({ default: 8192 }, 'max_tokens by model where the client sends none.'),
  ),
  'claude.thinking_adapter_enabled': planned(flag(true, 'A -thinking suffix turns thinking on.')),
  'claude.thinking_adapter_budget_tokens_percentage': planned(
    share(0.8, 'Part of max_tokens that thinking gets.'),
  ),
  'gemini.safety_settings': planned(object({ default: 'OFF' }, 'Threshold by harm category.')),
  'gemini.version_settings': planned(
    object({ default: 'v1beta', 'gemini-1.0-pro': 'v1' }, 'API version by model.'),
  ),
  'gemini.supported_imagine_models': planned(
    names(
      [
        'gemini-2.0-flash-exp-image-generation',
        'gemini-2.0-flash-exp',
        'gemini-3-pro-image-preview',
        'gemini-2.5-flash-image',
        'gemini-3.1-flash-image-preview',
      ],
      'Models that answer with images too.',
    ),
  ),
  'gemini.thinking_adapter_enabled': planned(flag(false, 'Thinking suffixes set the thinking budget.')),
  'gemini.thinking_adapter_budget_tokens_percentage': planned(
    share(0.6, 'Part of the output limit for thinking.'),
  ),
  'gemini.function_call_thought_signature_enabled': planned(
    flag(true, 'Adds thought signatures to function calls.'),
  ),
  'gemini.remove_function_response_id_enabled': planned(
    flag(true, 'Drops ids of function answers for Vertex.'),
  ),
  'grok.violation_deduction_enabled': planned(
    flag(true, 'Charges refusals for violations of usage guidelines.'),
  ),
  'grok.violation_deduction_amount': planned(share(0.05, 'What such a refusal costs, USD.')),
  'qwen.sync_image_models': planned(
    names(
      ['z-image', 'qwen-image', 'wan2.6', 'wan2.7', 'qwen-image-edit'],
      'Image models that answer at once.',
    ),
  ),
})

/** Every option there is. Console form, documents and `apply` are made from it. */
export const optionRegistry = { ...ownOptions, ...defineOptions(limitOptions), ...newApiOptions }

export type OptionKey = keyof typeof optionRegistry
export type Options = { readonly [Key in OptionKey]: Checked<(typeof optionRegistry)[Key]['accepts']> }
export type OptionDefaults = Partial<Options>

/** A row of the table `options`: `value` is JSON text. */
export interface StoredOption {
  readonly key: string
  readonly value: string
}

/**
 * Stored rows over `defaults` (the environment's) over the registry's fallbacks.
 * Throws `ConfigError` that names every unknown key and every value that is not allowed.
 */
export function resolveOptions(rows: Iterable<StoredOption>, defaults: OptionDefaults = {}): Options {
  const values: Record<string, unknown> = {}
  for (const [key, { fallback }] of Object.entries<OptionDefinition>(optionRegistry)) values[key] = fallback
  Object.assign(values, defaults)
  const issues: ConfigIssue[] = []
  for (const { key, value } of rows) {
    const checked = checkOption(key, parseStored(value))
    if (checked.kind === 'value') values[key] = checked.value
    else issues.push(checked.issue)
  }
  if (issues.length > 0) throw new ConfigError(issues)
  return values as Options // decoding: every key has its fallback or a value that it accepts
}

export type CheckedOption =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'issue'; readonly issue: ConfigIssue }

/** One option as somebody wants to set it. */
export function checkOption(key: string, value: unknown): CheckedOption {
  const definition = findOption(key)
  if (definition === undefined) {
    const allowed = suggestName(key, Object.keys(optionRegistry))
    return { kind: 'issue', issue: { name: key, found: 'an unknown option', allowed } }
  }
  if (definition.accepts(value)) return { kind: 'value', value }
  return { kind: 'issue', issue: { name: key, found: showFound(value), allowed: definition.allowed } }
}

function findOption(key: string): OptionDefinition | undefined {
  // decoding: `key` is one of the registry's
  return Object.hasOwn(optionRegistry, key) ? optionRegistry[key as OptionKey] : undefined
}

function parseStored(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch (error) {
    if (error instanceof SyntaxError) return value
    throw error
  }
}

/** Bounded in all: the automaton takes some 50 bytes a character at most, 13 MB. */
function isWordList(found: unknown): found is readonly string[] {
  return wordTexts(found) && found.reduce((sum, word) => sum + word.length, 0) <= 262_144
}

function isDomainPattern(text: string): boolean {
  return /^(\*\.)?[^\s/:*@]{1,253}$/.test(text)
}

function isPortRange(text: string): boolean {
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  return from !== '' && Number(from) <= Number(to) && Number(to) <= 65_535
}

function defineOptions<const Definitions extends Record<string, OptionDefinition>>(
  options: Definitions,
): Definitions {
  for (const [key, { accepts, fallback }] of Object.entries(options)) {
    if (!accepts(fallback)) throw new Error(`option ${key}: its fallback is not allowed`)
  }
  return options
}

function planned<Definition>(definition: Definition): Definition & { readonly isPlanned: true } {
  return { ...definition, isPlanned: true }
}

function names(fallback: readonly string[], about: string) {
  return {
    accepts: textsOf(text => text !== '', 10_000),
    fallback,
    allowed: 'a list of texts',
    about,
  }
}

function object(fallback: Readonly<Record<string, unknown>>, about: string) {
  return { accepts: isObject, fallback, allowed: 'an object', about }
}

function share(fallback: number, about: string) {
  return { accepts: numberBetween(0, 1), fallback, allowed: 'a number from 0 to 1', about }
}
