import { expect, test } from 'vitest'
import { parseUsage } from './usage.ts'

const plain = { input_tokens: 100, output_tokens: 40, total_tokens: 140 }
const items = (...types: readonly string[]) => ({ output: types.map(type => ({ type })) })
const server = { webSearch: 0, webFetch: 0, codeCalls: 0, fileSearch: 0 }

test.each<{ says: string; usage: object; whole?: object; gives: object }>([
  {
    says: 'input holds what was cached and written',
    usage: { ...plain, input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 } },
    gives: { input: 100, cacheRead: 60, cacheWrite: { '5m': 0, '30m': 30, '1h': 0, '12h': 0 } },
  },
  {
    says: 'writes by time to live',
    usage: {
      ...plain,
      input_tokens_details: {
        cache_write_tokens: 30,
        cache_write_tokens_details: { ttl_30m_tokens: 10, ttl_12h_tokens: 20 },
      },
    },
    gives: { cacheWrite: { '5m': 0, '30m': 10, '1h': 0, '12h': 20 } },
  },
  {
    says: 'reasoning is inside the output',
    usage: { ...plain, output_tokens_details: { reasoning_tokens: 30 } },
    gives: { output: 40, reasoning: 30 },
  },
  {
    says: 'the tier stands beside the usage',
    usage: plain,
    whole: { service_tier: 'flex' },
    gives: { tier: 'flex' },
  },
  {
    says: 'searches as the response counts them',
    usage: plain,
    whole: { ...items('web_search_call'), tool_usage: { web_search: { num_requests: 3 } } },
    gives: { server: { ...server, webSearch: 3 } },
  },
  {
    says: 'calls of built-in tools, not the tools offered',
    usage: plain,
    whole: {
      ...items('web_search_call', 'file_search_call', 'code_interpreter_call', 'message'),
      tools: [{ type: 'web_search' }],
    },
    gives: { server: { ...server, webSearch: 1, fileSearch: 1, codeCalls: 1 } },
  },
])('$says', ({ usage, whole, gives }) => {
  expect(parseUsage(usage, whole)).toMatchObject(gives)
})

test.each([undefined, null, {}, { input_tokens: 5 }, { input_tokens: 0, output_tokens: 0 }])(
  'no report: %j',
  usage => {
    expect(parseUsage(usage)).toBeUndefined()
  },
)
