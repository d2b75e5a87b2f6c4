import { createServer, type IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createClientIp } from '../../src/relay/incoming/client-ip.ts'
import { exchange, rawRequest } from './raw.ts'

const cases = [
  { says: 'nobody is trusted', trusted: [], forwarded: '203.0.113.7', gives: '127.0.0.1' },
  { says: 'another proxy is trusted', trusted: ['10.0.0.0/8'], forwarded: '203.0.113.7', gives: '127.0.0.1' },
  { says: 'the peer is trusted', trusted: ['127.0.0.1'], forwarded: '203.0.113.7', gives: '203.0.113.7' },
  {
    says: 'the peer is in a trusted range',
    trusted: ['127.0.0.0/8'],
    forwarded: '203.0.113.7',
    gives: '203.0.113.7',
  },
  {
    says: 'the client claims hops of its own',
    trusted: ['127.0.0.1'],
    forwarded: '10.1.2.3, 203.0.113.7',
    gives: '203.0.113.7',
  },
  {
    says: 'several proxies are trusted',
    trusted: ['127.0.0.1', '10.0.0.0/8'],
    forwarded: '10.9.9.9, 203.0.113.7, 10.0.0.1',
    gives: '203.0.113.7',
  },
  {
    says: 'every hop is trusted',
    trusted: ['127.0.0.1', '10.0.0.0/8'],
    forwarded: '10.0.0.9, 10.0.0.1',
    gives: '10.0.0.9',
  },
  { says: 'a hop is no address', trusted: ['127.0.0.1'], forwarded: '10.1.2.3, unknown', gives: 'unknown' },
  { says: 'the header is empty', trusted: ['127.0.0.1'], forwarded: '', gives: '127.0.0.1' },
  { says: 'there are commas only', trusted: ['127.0.0.1'], forwarded: ' , ,', gives: '127.0.0.1' },
  { says: 'a proxy writes IPv6', trusted: ['127.0.0.1'], forwarded: '2001:db8::1', gives: '2001:db8::1' },
  {
    says: 'a trusted hop is written as IPv6',
    trusted: ['127.0.0.1', '10.0.0.0/8'],
    forwarded: '203.0.113.7, ::ffff:10.0.0.1',
    gives: '203.0.113.7',
  },
]

test.each(cases)('$says: the client is $gives', async ({ trusted, forwarded, gives }) => {
  const clientIp = createClientIp(() => trusted)
  expect(await withRequest(forwarded, clientIp)).toBe(gives)
})

test('the last of several headers is the nearest, as they are one list', async () => {
  const clientIp = createClientIp(() => ['127.0.0.1'])
  expect(await withRequest(['10.1.2.3', '203.0.113.7'], clientIp)).toBe('203.0.113.7')
})

test('a change of the trusted proxies counts from the next request on', async () => {
  let trusted: readonly string[] = []
  const clientIp = createClientIp(() => trusted)
  expect(await withRequest('203.0.113.7', clientIp)).toBe('127.0.0.1')
  trusted = ['127.0.0.1']
  expect(await withRequest('203.0.113.7', clientIp)).toBe('203.0.113.7')
})

/** A real request over loopback, as the server sees it. */
async function withRequest(
  forwarded: string | readonly string[],
  read: (request: IncomingMessage) => string,
): Promise<string> {
  let found = ''
  const server = createServer((request, response) => {
    found = read(request)
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const hops = [forwarded].flat().map(value => ['x-forwarded-for', value] as const)
  await exchange(`http://127.0.0.1:${port}`, rawRequest('GET /', [...hops, ['connection', 'close']]), {
    enough: text => text.includes('\r\n\r\n'),
  })
  server.close()
  return found
}
