import { describe, expect, test } from 'vitest'
import { fitsHeaderValue, mergeHeaders, parseHeaderOverride, resolveHeaders } from './headers.ts'
import { Issues } from './issues.ts'

const client = {
  'user-agent': '{api_key}',
  'x-trace-id': '{client_header:authorization}',
  'x-tenant': 'acme',
  host: 'gateway',
  connection: 'close, X-Hop',
  'x-hop': '1',
  'x-own': 'theirs',
  'openai-organization': 'org-theirs',
  'openai-project': 'theirs',
  'cf-access-jwt-assertion': 'jwt',
  'x-amzn-oidc-data': 'jwt',
  'x-original-url': '/admin',
  'x-azure-client-ip': '10.0.0.1',
  'content-length': '9',
  'accept-encoding': 'br',
  cookie: 'session',
  authorization: 'Bearer ours',
  'x-api-key': 'ours',
  'x-goog-api-key': 'ours',
  'api-key': 'ours',
  'mj-api-secret': 'ours',
  'sec-websocket-protocol': 'openai-insecure-api-key.ours',
  'x-forwarded-for': '10.0.0.1',
  forwarded: 'for=10.0.0.1',
  'x-real-ip': '10.0.0.1',
  'x-yumen-debug': '1',
}
/** What the provider and the channel set. */
const own = new Set(['authorization', 'x-own'])

function resolve(override: Readonly<Record<string, string>>) {
  const issues = new Issues()
  const parsed = parseHeaderOverride(override, issues)
  if (issues.found.length > 0) throw new Error(JSON.stringify(issues.found))
  return parsed === undefined
    ? {}
    : Object.fromEntries(resolveHeaders(parsed, { apiKey: 'sk-up', client, own: () => own }))
}

describe('a header override', () => {
  test.each([
    { says: 'sets a text', override: { 'X-A': ' v ' }, gives: { 'x-a': 'v' } },
    {
      says: "puts the channel's key in",
      override: { Authorization: 'Key {api_key};{api_key}' },
      gives: { authorization: 'Key sk-up;sk-up' },
    },
    {
      says: "takes over a client's header",
      override: { 'x-b': '{client_header:X-Tenant}' },
      gives: { 'x-b': 'acme' },
    },
    {
      says: 'sets nothing where the client has no such header',
      override: { 'x-b': '{client_header:x-none}' },
      gives: {},
    },
    {
      says: 'never expands what a client wrote',
      override: { 'x-b': '{client_header:user-agent}' },
      gives: { 'x-b': '{api_key}' },
    },
    { says: 'skips blank values', override: { 'x-b': ' ' }, gives: {} },
    {
      says: 'passes all on but what is never passed on',
      override: { '*': '' },
      gives: { 'user-agent': '{api_key}', 'x-trace-id': '{client_header:authorization}', 'x-tenant': 'acme' },
    },
    {
      says: 'passes on by a pattern, in any case',
      override: { 're:^X-T\\S+$': '' },
      gives: { 'x-trace-id': '{client_header:authorization}', 'x-tenant': 'acme' },
    },
    {
      says: 'passes no credential on, whatever the pattern',
      override: { 'regex:auth|key|forwarded|host': '' },
      gives: {},
    },
    {
      says: "replaces by name what is the provider's own, never by a rule",
      override: { '*': '', 'X-Own': 'ours' },
      gives: expect.objectContaining({ 'x-own': 'ours' }),
    },
    {
      says: 'passes nothing on of who a proxy says that it is, of an account, of one connection',
      override: { 're:hop|own|organization|project|jwt|oidc|original|client-ip': '' },
      gives: {},
    },
    {
      says: 'puts what is written before what is passed on',
      override: { 'X-Tenant': 'own', '*': '' },
      gives: expect.objectContaining({ 'x-tenant': 'own' }),
    },
  ])('$says', ({ override, gives }) => {
    expect(resolve(override)).toEqual(gives)
  })

  test.each([
    [{ 'content-length': '1' }],
    [{ 'Transfer-Encoding': 'chunked' }],
    [{ connection: 'close' }],
    [{ 'accept-encoding': 'gzip' }],
    [{ 'sec-websocket-key': 'x' }],
    [{ 'a b': 'x' }],
    [{ 'x-a': 'a\r\nb: c' }],
    [{ 'x-a': '你' }],
    [{ 'x-a': 'a {client_header:x-b}' }],
    [{ 'x-a': '{client_header:Authorization}' }],
    [{ 'x-a': '{client_header:x-forwarded-for}' }],
    [{ 'x-a': '{client_header:OpenAI-Organization}' }],
    [{ 'x-a': '{client_header:x-goog-iap-jwt-assertion}' }],
    [{ 're:(': '' }],
    [{ 'x-a': 1 }],
  ])('%j is refused', override => {
    const issues = new Issues()
    parseHeaderOverride(override, issues)
    expect(issues.found.map(({ path }) => path)).toEqual([Object.keys(override)])
  })

  test('is made anew for each attempt', () => {
    const parsed = parseHeaderOverride({ 'x-key': '{api_key}' }, new Issues())
    if (parsed === undefined) throw new Error('nothing was parsed')
    const first = resolveHeaders(parsed, { apiKey: 'one', client: {}, own: () => own })
    first.set('x-more', '1')
    expect([...resolveHeaders(parsed, { apiKey: 'two', client: {}, own: () => own })]).toEqual([
      ['x-key', 'two'],
    ])
  })

  test('wins over headers of the same names, in any case', () => {
    const base = ['Authorization', 'Bearer a', 'accept', 'x']
    expect(mergeHeaders(base, new Map([['authorization', 'b']]))).toEqual([
      'accept',
      'x',
      'authorization',
      'b',
    ])
  })
})

test('a value that lies elsewhere is looked at like one that is written down', () => {
  expect(['v', '', '{client_header:x-b}', '{client_header:cookie}', 'a\nb'].map(fitsHeaderValue)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
})
