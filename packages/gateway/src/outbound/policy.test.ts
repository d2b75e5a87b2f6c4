import { describe, expect, test } from 'vitest'
import { optionRegistry } from '#config'
import { describePolicy, type FetchOptions, judgeAddresses, judgeUrl } from './policy.ts'

/** The options as they are when nobody set them. */
const fallbacks: FetchOptions = {
  'fetch.enableSsrfProtection': optionRegistry['fetch.enableSsrfProtection'].fallback,
  'fetch.allowPrivateIp': optionRegistry['fetch.allowPrivateIp'].fallback,
  'fetch.domainFilterMode': 'deny',
  'fetch.domainList': optionRegistry['fetch.domainList'].fallback,
  'fetch.ipFilterMode': 'deny',
  'fetch.ipList': optionRegistry['fetch.ipList'].fallback,
  'fetch.allowedPorts': optionRegistry['fetch.allowedPorts'].fallback,
  'fetch.applyIpFilterForDomain': optionRegistry['fetch.applyIpFilterForDomain'].fallback,
}

describe('an address before it is resolved', () => {
  const cases: readonly [url: string, gives: string, over?: Partial<FetchOptions>][] = [
    ['https://example.com/a.png', 'allowed'],
    ['http://example.com:8080/', 'allowed'],
    ['ftp://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['gopher://127.0.0.1:25/', 'scheme'],
    ['data:text/plain,hi', 'scheme'],
    ['no address', 'scheme'],
    [`https://example.com/${'x'.repeat(9_000)}`, 'scheme'],
    ['https://user@example.com/', 'credentials'],
    ['https://:secret@example.com/', 'credentials'],
    ['http://example.com:22/', 'port'],
    ['http://example.com:6379/', 'port'],
    ['http://example.com:9000/', 'allowed', { 'fetch.allowedPorts': ['8000-9999'] }],
    ['http://example.com:443/', 'port', { 'fetch.allowedPorts': ['80'] }],
    ['https://example.com/', 'port', { 'fetch.allowedPorts': ['80'] }],
    ['http://example.com:22/', 'allowed', { 'fetch.allowedPorts': [] }],
    ['http://metadata.google.internal/', 'address'],
    ['http://METADATA.google.internal./', 'address'],
    ['http://2852039166/', 'address'],
    ['http://0xa9fea9fe/', 'address'],
    ['http://169.254.43518/', 'address'],
    ['http://[::ffff:169.254.169.254]/', 'address'],
    ['http://metadata.google.internal/', 'address', { 'fetch.enableSsrfProtection': false }],
    ['http://example.com:22/', 'allowed', { 'fetch.enableSsrfProtection': false }],
    ['http://evil.com/', 'domain', { 'fetch.domainList': ['evil.com'] }],
    ['http://EVIL.com./', 'domain', { 'fetch.domainList': ['evil.com'] }],
    ['http://sub.evil.com/', 'allowed', { 'fetch.domainList': ['evil.com'] }],
    ['http://sub.evil.com/', 'domain', { 'fetch.domainList': ['*.evil.com'] }],
    ['http://notevil.com/', 'allowed', { 'fetch.domainList': ['*.evil.com'] }],
    [
      'http://a.good.com/',
      'allowed',
      { 'fetch.domainList': ['*.good.com'], 'fetch.domainFilterMode': 'allow' },
    ],
    [
      'http://other.com/',
      'domain',
      { 'fetch.domainList': ['*.good.com'], 'fetch.domainFilterMode': 'allow' },
    ],
  ]
  test.each(cases)('%s: %s %o', (url, gives, over) => {
    const judged = judgeUrl(url, { ...fallbacks, ...over })
    expect(judged.kind === 'refused' ? judged.reason : judged.kind).toBe(gives)
  })
})

describe('what a host resolves to', () => {
  const cases: readonly [
    addresses: readonly string[],
    says: string | undefined,
    over?: Partial<FetchOptions>,
  ][] = [
    [['8.8.8.8'], undefined],
    [['8.8.8.8', '10.0.0.1'], 'private'],
    [['10.0.0.1', '8.8.8.8'], 'private'],
    [['8.8.8.8', '::1'], 'loopback'],
    [['10.0.0.1'], undefined, { 'fetch.allowPrivateIp': true }],
    [['127.0.0.1'], undefined, { 'fetch.allowPrivateIp': true }],
    [['169.254.169.254'], 'a metadata service', { 'fetch.allowPrivateIp': true }],
    [['169.254.169.254'], 'a metadata service', { 'fetch.enableSsrfProtection': false }],
    [['224.0.0.1'], 'multicast', { 'fetch.allowPrivateIp': true }],
    [['0.0.0.0'], 'unspecified', { 'fetch.allowPrivateIp': true }],
    [['10.0.0.1'], undefined, { 'fetch.enableSsrfProtection': false }],
    [['8.8.8.8'], 'fetch.ipList', { 'fetch.ipList': ['8.8.0.0/16'] }],
    [['::ffff:8.8.8.8'], 'fetch.ipList', { 'fetch.ipList': ['8.8.0.0/16'] }],
    [['8.8.8.8'], undefined, { 'fetch.ipList': ['8.8.0.0/16'], 'fetch.applyIpFilterForDomain': false }],
    [['10.0.0.1'], 'private', { 'fetch.applyIpFilterForDomain': false }],
    [['8.8.8.8'], undefined, { 'fetch.ipList': ['8.8.8.8'], 'fetch.ipFilterMode': 'allow' }],
    [['9.9.9.9'], 'fetch.ipList', { 'fetch.ipList': ['8.8.8.8'], 'fetch.ipFilterMode': 'allow' }],
    [['2606:4700::1'], 'fetch.ipList', { 'fetch.ipList': ['2606::/16'] }],
    [['64:ff9b::808:808'], 'fetch.ipList', { 'fetch.ipList': ['8.8.8.8'] }],
    [['2002:808:808::'], 'fetch.ipList', { 'fetch.ipList': ['8.8.0.0/16'] }],
    [['::808:808'], 'fetch.ipList', { 'fetch.ipList': ['8.8.8.8'] }],
    [['2606:4700::200:5efe:808:808'], 'fetch.ipList', { 'fetch.ipList': ['8.8.8.8'] }],
    [['64:ff9b::808:808'], 'fetch.ipList', { 'fetch.ipList': ['64:ff9b::/96'] }],
    [['8.8.8.8'], 'fetch.ipList', { 'fetch.ipList': ['64:ff9b::808:808'] }],
  ]
  test.each(cases)('%j: %s %o', (addresses, says, over) => {
    const refused = judgeAddresses('host.test', addresses, { ...fallbacks, ...over })
    expect(refused?.detail.split(': ')[1]).toBe(says)
    if (refused !== undefined) for (const address of addresses) expect(refused.message).not.toContain(address)
  })

  test('an address in the URL is filtered whatever fetch.applyIpFilterForDomain says', () => {
    const options = { ...fallbacks, 'fetch.ipList': ['8.8.8.8'], 'fetch.applyIpFilterForDomain': false }
    expect(judgeAddresses('8.8.8.8', ['8.8.8.8'], options)).toMatchObject({ reason: 'address' })
  })
})

test('what the options leave open is said', () => {
  expect(describePolicy(fallbacks)).toEqual([])
  expect(describePolicy({ ...fallbacks, 'fetch.enableSsrfProtection': false })).toHaveLength(1)
  expect(
    describePolicy({
      ...fallbacks,
      'fetch.allowPrivateIp': true,
      'fetch.allowedPorts': [],
      'fetch.domainFilterMode': 'allow',
    }),
  ).toHaveLength(3)
})
