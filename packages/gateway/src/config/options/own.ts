import { affinityRuleWords, isAffinityRules } from '../affinity-rules.ts'
import { numberBetween, oneOf, textsOf, wholeBetween } from '../checks.ts'
import { isCidr } from '../cidr.ts'
import { limits } from '../limits.ts'
import { countFrom1, defineOptions, flag, milliseconds, planned, wholeNumber } from './kinds.ts'

const wordTexts = textsOf(word => word.length >= 1 && word.length <= 100, 20_000)

/** Yumen's own. */
export const ownOptions = defineOptions({
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
  'routing.affinityRules': {
    accepts: isAffinityRules,
    fallback: [],
    allowed: affinityRuleWords,
    about:
      'Where else the sign of a conversation stands: the first rule that fits a request and finds one decides; then the fields of the protocols.',
  },
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
  'fetch.enableSsrfProtection': planned(
    flag(
      true,
      'Addresses that users name are checked before they are fetched. Off: metadata services alone are refused.',
    ),
  ),
  'fetch.allowPrivateIp': planned(
    flag(false, 'Users may have loopback, private and link-local addresses fetched.'),
  ),
  'fetch.domainFilterMode': planned({
    accepts: oneOf(['deny', 'allow']),
    fallback: 'deny',
    allowed: 'deny or allow',
    about: 'Whether fetch.domainList names the hosts that are refused, or the only ones that are not.',
  }),
  'fetch.domainList': planned({
    accepts: textsOf(isDomainPattern, 1_000),
    fallback: [],
    allowed: 'a list of host names; *.example.com is example.com and all below it',
    about: 'Hosts of addresses that users name, by fetch.domainFilterMode.',
  }),
  'fetch.ipFilterMode': planned({
    accepts: oneOf(['deny', 'allow']),
    fallback: 'deny',
    allowed: 'deny or allow',
    about: 'Whether fetch.ipList names the addresses that are refused, or the only ones that are not.',
  }),
  'fetch.ipList': planned({
    accepts: textsOf(isCidr, 1_000),
    fallback: [],
    allowed: 'a list of IP addresses and CIDR ranges',
    about: 'IP addresses that users may have fetched or not, by fetch.ipFilterMode.',
  }),
  'fetch.allowedPorts': planned({
    accepts: textsOf(isPortRange, 100),
    fallback: ['80', '443', '8080', '8443'],
    allowed: 'a list of ports and ranges as texts: "443", "8000-8999"',
    about: 'Ports of addresses that users name; an empty list allows all.',
  }),
  'fetch.applyIpFilterForDomain': planned(
    flag(
      true,
      'fetch.ipList counts for what a name resolves to as well. Private addresses are refused in any case.',
    ),
  ),
})

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
