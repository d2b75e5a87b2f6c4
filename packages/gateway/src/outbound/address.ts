import ipaddr from 'ipaddr.js'

/** What an address is for, as far as a fetch must know. */
export type AddressKind =
  | 'public'
  | 'metadata'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'carrier-nat'
  | 'multicast'
  | 'unspecified'
  | 'reserved'

/**
 * Services that tell every program on a cloud's machine its credentials. AWS (IMDS, ECS, EKS), Google, Azure, DigitalOcean and others
 * share the first; then Alibaba Cloud, Oracle, Tencent, Azure's wire server. From general knowledge, not checked against the clouds' pages.
 */
const metadataAddresses: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  '169.254.0.23',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
])

/** Names of the same, for where a name is all that is known; what they resolve to is checked anyway. */
const metadataNames: ReadonlySet<string> = new Set([
  'metadata.google.internal',
  'metadata.goog',
  'instance-data.ec2.internal',
  'metadata.tencentyun.com',
])

/** Whether an IP address is a cloud's metadata service, in whatever form it is written. */
export function isMetadataAddress(address: string): boolean {
  return kindOfAddress(address) === 'metadata'
}

/** The same of a URL's host: a name, an IPv4 address, or an IPv6 address in brackets. */
export function isMetadataHost(host: string): boolean {
  const name = plainHost(host)
  return metadataNames.has(name) || isMetadataAddress(name)
}

/** Lower case, no brackets, no dot at the end: what two spellings of one host have in common. */
export function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

/** `reserved` also for what is no address at all. */
export function kindOfAddress(text: string): AddressKind {
  if (!ipaddr.isValid(text)) return 'reserved'
  const address = unwrap(ipaddr.parse(text))
  if (metadataAddresses.has(address.toString())) return 'metadata'
  return address instanceof ipaddr.IPv4 ? kindOfIpv4(address) : kindOfIpv6(address)
}

const kindsOfIpv4: Readonly<Record<string, AddressKind>> = {
  unicast: 'public',
  loopback: 'loopback',
  private: 'private',
  linkLocal: 'link-local',
  carrierGradeNat: 'carrier-nat',
  multicast: 'multicast',
  unspecified: 'unspecified',
}

function kindOfIpv4(address: ipaddr.IPv4): AddressKind {
  return kindsOfIpv4[address.range()] ?? 'reserved'
}

const kindsOfIpv6: Readonly<Record<string, AddressKind>> = {
  loopback: 'loopback',
  uniqueLocal: 'private',
  linkLocal: 'link-local',
  multicast: 'multicast',
  unspecified: 'unspecified',
}

/** Of IPv6 only 2000::/3 is given to anybody: whatever has no other use and lies outside is reserved. */
function kindOfIpv6(address: ipaddr.IPv6): AddressKind {
  const isGlobal = ((address.parts[0] ?? 0) & 0xe000) === 0x2000
  if (address.range() === 'unicast' && isGlobal) return 'public'
  return kindsOfIpv6[address.range()] ?? 'reserved'
}

/** The IPv4 address that an IPv6 address stands for, else itself: a translator on the way would connect to it. */
export function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0, high = 0, low = 0] =
    address.parts
  const startsEmpty = (first | second | third | fourth) === 0
  const isMapped = startsEmpty && fifth === 0 && sixth === 0xffff
  const isTranslated = startsEmpty && fifth === 0xffff && sixth === 0
  // ::a.b.c.d, long out of use; `::` and `::1` are no such form.
  const isCompatible = startsEmpty && fifth === 0 && sixth === 0 && (high !== 0 || low > 1)
  const isNat64 = first === 0x64 && second === 0xff9b && (third | fourth | fifth | sixth) === 0
  const isIsatap = (fifth & 0xfdff) === 0 && sixth === 0x5efe
  if (isMapped || isTranslated || isCompatible || isNat64 || isIsatap) return ipv4Of(high, low)
  return first === 0x2002 ? ipv4Of(second, third) : address
}

function ipv4Of(high: number, low: number): ipaddr.IPv4 {
  return new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff])
}
