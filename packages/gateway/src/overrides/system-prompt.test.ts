import { applyEdits, type DialectName, scanObject } from '@yumen/protocol'
import { expect, test } from 'vitest'
import { systemPromptEdits } from './system-prompt.ts'

const limits = { jsonDepthMax: 64, topLevelMembersMax: 100 }
const text = 'Be "brief".'

function inject(dialect: DialectName, body: string, prepends: boolean): string {
  const bytes = Buffer.from(body)
  const object = scanObject(bytes, limits)
  return Buffer.concat(
    applyEdits(bytes, systemPromptEdits(dialect, { text, prepends }, { bytes, object, limits })),
  ).toString()
}

const told = JSON.stringify(text)
const inText = told.slice(1, -1)

interface Case {
  readonly dialect: DialectName
  readonly says: string
  readonly body: string
  readonly fills: string
  readonly prepends: string
}

const cases: readonly Case[] = [
  {
    dialect: 'openai-chat',
    says: 'none yet',
    body: '{"n":1.0, "messages": [ {"role":"user","content":"x"}]}',
    fills: `{"n":1.0, "messages": [{"role":"system","content":${told}}, {"role":"user","content":"x"}]}`,
    prepends: `{"n":1.0, "messages": [{"role":"system","content":${told}}, {"role":"user","content":"x"}]}`,
  },
  {
    dialect: 'openai-chat',
    says: 'no messages',
    body: '{"messages":[]}',
    fills: `{"messages":[{"role":"system","content":${told}}]}`,
    prepends: `{"messages":[{"role":"system","content":${told}}]}`,
  },
  {
    dialect: 'openai-chat',
    says: "the developer's text",
    body: '{"messages":[{"role":"developer","content":"own"}]}',
    fills: '{"messages":[{"role":"developer","content":"own"}]}',
    prepends: `{"messages":[{"role":"developer","content":"${inText}\\nown"}]}`,
  },
  {
    dialect: 'openai-chat',
    says: 'parts',
    body: '{"messages":[{"role":"system","content":[{"type":"text","text":"own"}]}]}',
    fills: '{"messages":[{"role":"system","content":[{"type":"text","text":"own"}]}]}',
    prepends: `{"messages":[{"role":"system","content":[{"type":"text","text":${told}},{"type":"text","text":"own"}]}]}`,
  },
  {
    dialect: 'openai-chat',
    says: 'messages of another type',
    body: '{"messages":"x"}',
    fills: '{"messages":"x"}',
    prepends: '{"messages":"x"}',
  },
  {
    dialect: 'anthropic',
    says: 'none yet',
    body: '{"a":1}',
    fills: `{"a":1,"system":${told}}`,
    prepends: `{"a":1,"system":${told}}`,
  },
  {
    dialect: 'anthropic',
    says: 'null',
    body: '{"system":null}',
    fills: `{"system":${told}}`,
    prepends: `{"system":${told}}`,
  },
  {
    dialect: 'anthropic',
    says: 'a text',
    body: '{"system" : "own"}',
    fills: '{"system" : "own"}',
    prepends: `{"system" : "${inText}\\nown"}`,
  },
  {
    dialect: 'anthropic',
    says: 'blocks',
    body: '{"system":[{"type":"text","text":"own","cache_control":{"type":"ephemeral"}}]}',
    fills: '{"system":[{"type":"text","text":"own","cache_control":{"type":"ephemeral"}}]}',
    prepends: `{"system":[{"type":"text","text":${told}},{"type":"text","text":"own","cache_control":{"type":"ephemeral"}}]}`,
  },
  {
    dialect: 'openai-responses',
    says: 'none yet',
    body: '{"input":"x"}',
    fills: `{"input":"x","instructions":${told}}`,
    prepends: `{"input":"x","instructions":${told}}`,
  },
  {
    dialect: 'openai-responses',
    says: 'instructions',
    body: '{"instructions":"own"}',
    fills: '{"instructions":"own"}',
    prepends: `{"instructions":"${inText}\\nown"}`,
  },
  {
    dialect: 'openai-responses',
    says: 'a developer in the input',
    body: '{"input":[{"role":"developer","content":"own"}]}',
    fills: '{"input":[{"role":"developer","content":"own"}]}',
    prepends: `{"input":[{"role":"developer","content":"own"}],"instructions":${told}}`,
  },
  {
    dialect: 'gemini',
    says: 'none yet',
    body: '{"contents":[]}',
    fills: `{"contents":[],"systemInstruction":{"parts":[{"text":${told}}]}}`,
    prepends: `{"contents":[],"systemInstruction":{"parts":[{"text":${told}}]}}`,
  },
  {
    dialect: 'gemini',
    says: 'an instruction in snake case',
    body: '{"system_instruction":{"role":"system","parts":[{"text":"own"}]}}',
    fills: '{"system_instruction":{"role":"system","parts":[{"text":"own"}]}}',
    prepends: `{"system_instruction":{"role":"system","parts":[{"text":"${inText}\\n"},{"text":"own"}]}}`,
  },
  {
    dialect: 'gemini',
    says: 'one part that is no list',
    body: '{"systemInstruction":{"parts" : {"text":"own"} }}',
    fills: '{"systemInstruction":{"parts" : {"text":"own"} }}',
    prepends: `{"systemInstruction":{"parts" : [{"text":"${inText}\\n"},{"text":"own"}] }}`,
  },
  {
    dialect: 'gemini',
    says: 'an empty instruction beside one in snake case',
    body: '{"systemInstruction":{"parts":[]},"system_instruction":{"parts":[{"text":"own"}]}}',
    fills: '{"systemInstruction":{"parts":[]},"system_instruction":{"parts":[{"text":"own"}]}}',
    prepends: `{"systemInstruction":{"parts":[]},"system_instruction":{"parts":[{"text":"${inText}\\n"},{"text":"own"}]}}`,
  },
  {
    dialect: 'openai-chat',
    says: 'an empty message before one that says something',
    body: '{"messages":[{"role":"system","content":""},{"role":"system","content":"own"}]}',
    fills: '{"messages":[{"role":"system","content":""},{"role":"system","content":"own"}]}',
    prepends: `{"messages":[{"role":"system","content":""},{"role":"system","content":"${inText}\\nown"}]}`,
  },
  {
    dialect: 'gemini',
    says: 'cached content',
    body: '{"cachedContent":"c"}',
    fills: '{"cachedContent":"c"}',
    prepends: '{"cachedContent":"c"}',
  },
]

test.each(cases)('$dialect with $says', ({ dialect, body, fills, prepends }) => {
  expect([inject(dialect, body, false), inject(dialect, body, true)]).toEqual([fills, prepends])
})

const google = `{"systemInstruction":{"parts":[{"text":${told}}]}}`
const blank = '[{"type":"text","text":""}]'

test.each<[DialectName, string, string]>([
  ['gemini', '{"systemInstruction":{"parts":[]}}', google],
  ['gemini', '{"systemInstruction":{"role":"system","parts":{"text":""}}}', google],
  ['gemini', '{"systemInstruction":{"parts":[{"text":""},{}]}}', google],
  ['anthropic', `{"system":${blank}}`, `{"system":${told}}`],
  [
    'openai-chat',
    '{"messages":[{"role":"system","content":""}]}',
    `{"messages":[{"role":"system","content":${told}}]}`,
  ],
  [
    'openai-chat',
    `{"messages":[{"role":"developer","content":${blank}}]}`,
    `{"messages":[{"role":"developer","content":${told}}]}`,
  ],
  [
    'openai-responses',
    '{"input":[{"role":"system","content":""}]}',
    `{"input":[{"role":"system","content":""}],"instructions":${told}}`,
  ],
])('%s: %s has none yet', (dialect, body, gives) => {
  expect([inject(dialect, body, false), inject(dialect, body, true)]).toEqual([gives, gives])
})
