import { expect, test } from 'vitest'
import { parseUsage } from './usage.ts'

const plain = { input_tokens: 10, output_tokens: 5 }

test.each([
  {
    says: 'the input holds what was cached',
    usage: { ...plain, cache_read_input_tokens: 60, cache_creation_input_tokens: 30 },
    gives: { input: 100, cacheRead: 60, cacheWrite: { '5m': 30, '30m': 0, '1h': 0, '12h': 0 } },
  },
  {
    says: 'writes by time to live, the rest for 5 minutes',
    usage: {
      ...plain,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 20 },
    },
    gives: { input: 40, cacheWrite: { '5m': 10, '30m': 0, '1h': 20, '12h': 0 } },
  },
  {
    says: 'a split without a total',
    usage: { ...plain, cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 20 } },
    gives: { input: 35 },
  },
  {
    says: 'thinking is inside the output',
    usage: { ...plain, output_tokens_details: { thinking_tokens: 4 } },
    gives: { output: 5, reasoning: 4 },
  },
  {
    says: 'server tools and tier',
    usage: {
      ...plain,
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
      service_tier: 'priority',
    },
    gives: { server: { webSearch: 2, webFetch: 1, codeCalls: 0, fileSearch: 0 }, tier: 'priority' },
  },
  {
    says: 'compactions stand outside the top level, messages inside',
    usage: {
      ...plain,
      iterations: [
        { type: 'message', ...plain },
        { type: 'compaction', input_tokens: 100, output_tokens: 20, cache_read_input_tokens: 7 },
      ],
    },
    gives: { input: 117, cacheRead: 7, output: 25 },
  },
])('$says', ({ usage, gives }) => {
  expect(parseUsage(usage)).toMatchObject(gives)
})

test.each([
  undefined,
  null,
  {},
  { input_tokens: 5 },
  { output_tokens: 5 },
  { input_tokens: 0, output_tokens: 0 },
])('no report: %j', usage => {
  expect(parseUsage(usage)).toBeUndefined()
})
