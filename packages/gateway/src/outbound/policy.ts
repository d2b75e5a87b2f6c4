import ipaddr from 'ipaddr.js'
import { type AddressKind, isMetadataHost, kindOfAddress, plainHost, unwrap } from './address.ts'

/** The options that govern it, by their names in the registry. */
export interface FetchOptions {
  readonly 'fetch.enableSsrfProtection': boolean
  readonly 'fetch.allowPrivateIp': boolean
  readonly 'fetch.domainFilterMode': 'deny' | 'allow'
  readonly 'fetch.domainList': readonly string[]
  readonly 'fetch.ipFilterMode': 'deny' | 'allow'
  readonly 'fetch.ipList': readonly string[]
  readonly 'fetch.allowedPorts': readonly string[]
  readonly 'fetch.applyIpFilterForDomain': boolean
}

/** Why an address is not fetched. */
export type RefusalReason =
  | 'address'
  | 'busy'
  | 'credentials'
  | 'domain'
  | 'encoding'
  | 'port'
  | 'redirects'
  | 'scheme'
  | 'size'

export interface Refused {
  readonly kind: 'refused'
  readonly reason: RefusalReason
  /** For the client: what was refused and why, and nothing that it has not said itself. */
  readonly message: string
  /** For the log. */
  readonly detail: string
}

export interface Allowed {
  readonly kind: 'allowed'
  readonly url: URL
  /** The host without brackets, lower case. */
  readonly host: string
}

/** A user's address before anything is resolved. Pure. */
export function judgeUrl(text: string, options: FetchOptions): Allowed | Refused {
  if (text.length > urlCharsMax || !URL.canParse(text))
    return refuse('scheme', 'the address is no URL that can be fetched')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return refuse('scheme', `only http and https are fetched, not ${url.protocol.slice(0, 20)}`)
  if (url.username !== '' || url.password !== '')
    return refuse('credentials', 'an address that holds a user or a password is not fetched')
  const host = plainHost(url.hostname)
  if (isMetadataHost(host))
    return refuse('address', `${host} is not fetched`, `${host} is a metadata service`)
  if (!options['fetch.enableSsrfProtection']) return { kind: 'allowed', url, host }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  if (!isPortAllowed(port, options['fetch.allowedPorts']))
    return refuse('port', `port ${port} is not fetched from`, `port ${port} is not in fetch.allowedPorts`)
  if (!ipaddr.isValid(host) && !isDomainAllowed(host, options))
    return refuse('domain', `${host} is not fetched`, `${host} by fetch.domainList`)
  return { kind: 'allowed', url, host }
}

const urlCharsMax = 8_192

/** What a host has resolved to, or the address that it is: one that is refused refuses all. Pure. */
export function judgeAddresses(
  host: string,
  addresses: readonly string[],
  options: FetchOptions,
): Refused | undefined {
  for (const address of addresses) {
    const detail = findFault(host, address, options)
    if (detail !== undefined)
      return refuse(
        'address',
        `${host} is not fetched: its address is not allowed`,
        `${host} → ${address}: ${detail}`,
      )
  }
  return undefined
}

function findFault(host: string, address: string, options: FetchOptions): string | undefined {
  const kind = kindOfAddress(address)
  if (kind === 'metadata') return 'a metadata service'
  if (!options['fetch.enableSsrfProtection']) return undefined
  if (kind !== 'public' && !(options['fetch.allowPrivateIp'] && ownKinds.has(kind))) return kind
  const isListed = isInRanges(address, options['fetch.ipList'])
  const isFiltered = host === address || options['fetch.applyIpFilterForDomain']
  return isFiltered && isListed !== (options['fetch.ipFilterMode'] === 'allow') ? 'fetch.ipList' : undefined
}

/** What an operator may have services on. */
const ownKinds: ReadonlySet<AddressKind> = new Set(['loopback', 'private', 'link-local', 'carrier-nat'])

function isDomainAllowed(host: string, options: FetchOptions): boolean {
  const isListed = options['fetch.domainList'].some(pattern => matchesDomain(pattern.toLowerCase(), host))
  return isListed === (options['fetch.domainFilterMode'] === 'allow')
}

/** `example.com` is that host; `*.example.com` all below it too. */
function matchesDomain(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return host === pattern
  return host === pattern.slice(2) || host.endsWith(pattern.slice(1))
}

/** `443` or `8000-8999`; an empty list allows every port. */
function isPortAllowed(port: number, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true
  return allowed.some(range => {
    const [from = '', to = from] = range.split('-')
    return port >= Number(from) && port <= Number(to)
  })
}

/** As it is written, or as the IPv4 address that it stands for. */
function isInRanges(address: string, ranges: readonly string[]): boolean {
  const written = ipaddr.parse(address)
  const forms = [written, unwrap(written)]
  return ranges.some(text => {
    const [base, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : [unwrap(ipaddr.parse(text)), undefined]
    const isIn = (form: typeof written) =>
      base.kind() === form.kind() && form.match(base, bits ?? (base.kind() === 'ipv4' ? 32 : 128))
    return forms.some(isIn)
  })
}

export function refuse(reason: RefusalReason, message: string, detail: string = message): Refused {
  return { kind: 'refused', reason, message, detail }
}

/** What the options leave open, for `doctor`. */
export function describePolicy(options: FetchOptions): readonly string[] {
  if (!options['fetch.enableSsrfProtection'])
    return ['fetch.enableSsrfProtection is off: users can have every address of your network fetched']
  return [
    ...(options['fetch.allowPrivateIp']
      ? ['fetch.allowPrivateIp is on: users can have private addresses fetched']
      : []),
    ...(options['fetch.allowedPorts'].length === 0
      ? ['fetch.allowedPorts is empty: users can have every port fetched from']
      : []),
    ...(options['fetch.domainFilterMode'] === 'allow' && options['fetch.domainList'].length === 0
      ? ['fetch.domainFilterMode is allow and fetch.domainList is empty: no name is fetched']
      : []),
  ]
}
