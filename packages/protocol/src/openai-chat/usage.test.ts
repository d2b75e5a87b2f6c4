import { expect, test } from 'vitest'
import { parseUsage } from './usage.ts'

const plain = { prompt_tokens: 100, completion_tokens: 40, total_tokens: 140 }
const inChoice = { choices: [{ usage: { cached_tokens: 60 } }] }

test.each<{ says: string; usage: object; whole?: object; gives: object }>([
  {
    says: 'the standard place of cached tokens',
    usage: { ...plain, prompt_tokens_details: { cached_tokens: 60 } },
    gives: { input: 100, cacheRead: 60 },
  },
  {
    says: 'zhipu',
    usage: {
      ...plain,
      prompt_tokens_details: { cached_tokens: 0 },
      input_tokens_details: { cached_tokens: 60 },
    },
    gives: { cacheRead: 60 },
  },
  { says: 'a bare cached_tokens', usage: { ...plain, cached_tokens: 60 }, gives: { cacheRead: 60 } },
  {
    says: 'deepseek',
    usage: { ...plain, prompt_cache_hit_tokens: 60, prompt_cache_miss_tokens: 40 },
    gives: { cacheRead: 60 },
  },
  { says: 'Moonshot, in the choice', usage: plain, whole: inChoice, gives: { cacheRead: 60 } },
  {
    says: 'llama.cpp, in its timings',
    usage: plain,
    whole: { timings: { cache_n: 60 } },
    gives: { cacheRead: 60 },
  },
  {
    says: 'the first place wins',
    usage: { ...plain, cached_tokens: 7 },
    whole: inChoice,
    gives: { cacheRead: 7 },
  },
  {
    says: 'OpenAI writes for half an hour',
    usage: { ...plain, prompt_tokens_details: { cache_write_tokens: 30 } },
    gives: { cacheWrite: { '5m': 0, '30m': 30, '1h': 0, '12h': 0 } },
  },
  {
    says: 'New API’s name',
    usage: {
      ...plain,
      prompt_tokens_details: { cached_creation_tokens: 30 },
      claude_cache_creation_1_h_tokens: 10,
    },
    gives: { cacheWrite: { '5m': 20, '30m': 0, '1h': 10, '12h': 0 } },
  },
  {
    says: 'DashScope’s explicit cache',
    usage: {
      ...plain,
      prompt_tokens_details: {
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 30 },
      },
    },
    gives: { input: 100, cacheWrite: { '5m': 30, '30m': 0, '1h': 0, '12h': 0 } },
  },
  {
    says: 'reasoning is inside the output',
    usage: { ...plain, completion_tokens_details: { reasoning_tokens: 30 } },
    gives: { output: 40, reasoning: 30 },
  },
  {
    says: 'reasoning outside the output is found by the total',
    usage: { ...plain, total_tokens: 170, completion_tokens_details: { reasoning_tokens: 30 } },
    gives: { output: 70, reasoning: 30 },
  },
  {
    says: 'another difference of the total is left alone',
    usage: { ...plain, total_tokens: 150, completion_tokens_details: { reasoning_tokens: 30 } },
    gives: { output: 40 },
  },
  { says: 'reasoning that is not reported stays unknown', usage: plain, gives: { reasoning: undefined } },
  {
    says: 'modalities',
    usage: {
      ...plain,
      prompt_tokens_details: { audio_tokens: 5, text_tokens: 95 },
      completion_tokens_details: { audio_tokens: 4 },
    },
    gives: { inputBy: { audio: 5, text: 95 }, outputBy: { audio: 4 } },
  },
  { says: 'embeddings', usage: { prompt_tokens: 8, total_tokens: 8 }, gives: { input: 8, output: 0 } },
  { says: 'a total alone is input', usage: { total_tokens: 8 }, gives: { input: 8, output: 0 } },
  {
    says: 'images',
    usage: {
      input_tokens: 50,
      output_tokens: 4_000,
      input_tokens_details: { image_tokens: 40, text_tokens: 10 },
    },
    gives: { input: 50, output: 4_000, inputBy: { image: 40, text: 10 } },
  },
  {
    says: 'DashScope’s searches',
    usage: { ...plain, plugins: { search: { count: 2 } } },
    gives: { server: { webSearch: 2, webFetch: 0, codeCalls: 0, fileSearch: 0 } },
  },
  {
    says: 'cached beyond the prompt raises the input',
    usage: { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 60 } },
    gives: { input: 60, cacheRead: 60 },
  },
])('$says', ({ usage, whole, gives }) => {
  expect(parseUsage(usage, whole)).toMatchObject(gives)
})

test.each<{ says: string; usage: unknown; whole?: object }>([
  { says: 'nothing', usage: undefined },
  { says: 'null', usage: null },
  { says: 'an empty object', usage: {} },
  { says: 'half a report', usage: { prompt_tokens: 10 } },
  { says: 'zeros alone', usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
  { says: 'strings', usage: { prompt_tokens: '10', completion_tokens: '1' } },
  {
    says: 'a count below zero and one that is text',
    usage: { prompt_tokens: -7, completion_tokens: '10.5', total_tokens: 14 },
    whole: { choices: [{}] },
  },
  {
    says: 'a total alone where something was generated',
    usage: { total_tokens: 8 },
    whole: { choices: [{}] },
  },
])('no report: $says', ({ usage, whole }) => {
  expect(parseUsage(usage, whole)).toBeUndefined()
})
