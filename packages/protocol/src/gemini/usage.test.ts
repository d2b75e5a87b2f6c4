import { expect, test } from 'vitest'
import { parseUsage } from './usage.ts'

const plain = { promptTokenCount: 100, candidatesTokenCount: 40, totalTokenCount: 140 }
const grounded = { candidates: [{ groundingMetadata: { webSearchQueries: ['a', 'b'] } }] }

test.each<{ says: string; usage: object; whole?: object; gives: object }>([
  {
    says: 'cached is inside the prompt',
    usage: { ...plain, cachedContentTokenCount: 60 },
    gives: { input: 100, cacheRead: 60 },
  },
  {
    says: 'thoughts are outside the candidates',
    usage: { ...plain, thoughtsTokenCount: 30 },
    gives: { output: 70, reasoning: 30 },
  },
  {
    says: 'tool use is outside the prompt',
    usage: { ...plain, toolUsePromptTokenCount: 20 },
    gives: { input: 120, toolUse: 20 },
  },
  {
    says: 'without candidates the total gives the output',
    usage: { promptTokenCount: 100, toolUsePromptTokenCount: 20, totalTokenCount: 150 },
    gives: { input: 120, output: 30 },
  },
  {
    says: 'thoughts alone are output',
    usage: { promptTokenCount: 100, thoughtsTokenCount: 30, totalTokenCount: 130 },
    gives: { output: 30, reasoning: 30 },
  },
  { says: 'embeddings', usage: { promptTokenCount: 8 }, gives: { input: 8, output: 0 } },
  {
    says: 'modalities of both prompts',
    usage: {
      ...plain,
      toolUsePromptTokenCount: 20,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 60 },
        { modality: 'DOCUMENT', tokenCount: 40 },
      ],
      toolUsePromptTokensDetails: [{ modality: 'TEXT', tokenCount: 20 }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 40 }],
    },
    gives: { inputBy: { text: 80, document: 40 }, outputBy: { image: 40 } },
  },
  { says: 'the tier', usage: { ...plain, trafficType: 'ON_DEMAND' }, gives: { tier: 'ON_DEMAND' } },
  {
    says: 'searches of the whole answer',
    usage: plain,
    whole: grounded,
    gives: { server: { webSearch: 2, webFetch: 0, codeCalls: 0, fileSearch: 0 } },
  },
])('$says', ({ usage, whole, gives }) => {
  expect(parseUsage(usage, whole)).toMatchObject(gives)
})

test.each([
  [undefined, undefined],
  [null, undefined],
  [{}, undefined],
  [{ promptTokenCount: 5 }, { candidates: [{}] }],
  [{ promptTokenCount: 0, totalTokenCount: 0 }, undefined],
  [{ promptTokenCount: -7, candidatesTokenCount: 3, totalTokenCount: 14 }, undefined],
  [{ promptTokenCount: 7, candidatesTokenCount: '3', totalTokenCount: 10 }, undefined],
])('no report: %j in %j', (usage, whole) => {
  expect(parseUsage(usage, whole)).toBeUndefined()
})
