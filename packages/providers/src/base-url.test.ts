import { expect, test } from 'vitest'
import { resolveBaseUrl } from './base-url.ts'
import { findProvider } from './catalogue.ts'

const dashscope = 'https://dashscope.aliyuncs.com'

test.each([
  ['openai', undefined, 'https://api.openai.com'],
  ['openai', '  ', 'https://api.openai.com'],
  ['openai', ' https://proxy.example.com/openai/v1/ ', 'https://proxy.example.com/openai'],
  ['openai', 'https://api.openai.com/v1/responses', 'https://api.openai.com'],
  [
    'openai',
    'https://gateway.ai.cloudflare.com/v1/A/G/openai',
    'https://gateway.ai.cloudflare.com/v1/A/G/openai',
  ],
  ['azure', undefined, undefined],
  ['azure', 'https://acme.openai.azure.com/openai/v1/', 'https://acme.openai.azure.com'],
  ['azure', 'https://openai.example.com', 'https://openai.example.com'],
  ['anthropic', 'https://api.anthropic.com/v1/messages/count_tokens', 'https://api.anthropic.com'],
  [
    'gemini',
    'https://generativelanguage.googleapis.com/v1beta/openai/',
    'https://generativelanguage.googleapis.com',
  ],
  ['gemini', 'https://g.example.com/v1beta/models/gemini-2.5-pro:generateContent', 'https://g.example.com'],
  ['ali', undefined, dashscope],
  ['ali', `${dashscope}/compatible-mode/v1/chat/completions`, dashscope],
  ['ali', `${dashscope}/api/v1`, dashscope],
  ['ali', `${dashscope}/api/v2/apps/protocols/compatible-mode/v1`, dashscope],
  ['ali', `${dashscope}/apps/anthropic/v1/messages`, dashscope],
  ['ali', 'https://coding.dashscope.aliyuncs.com/v1/', 'https://coding.dashscope.aliyuncs.com'],
  ['ali', 'https://proxy.example.com/v1', 'https://proxy.example.com/v1'],
  ['openai-compatible', undefined, undefined],
  ['openai-compatible', 'http://127.0.0.1:11434/', 'http://127.0.0.1:11434/v1'],
  ['openai-compatible', 'http://v1', 'http://v1/v1'],
  ['openai-compatible', 'https://api.deepinfra.com/v1/openai', 'https://api.deepinfra.com/v1/openai'],
  [
    'openai-compatible',
    'https://ark.cn-beijing.volces.com/api/v3/models',
    'https://ark.cn-beijing.volces.com/api/v3',
  ],
  [
    'openai-compatible',
    'https://gateway.ai.cloudflare.com/v1/A/G/compat',
    'https://gateway.ai.cloudflare.com/v1/A/G/compat',
  ],
  ['custom', 'https://llm.example.com/v1/chat/completions', 'https://llm.example.com/v1/chat/completions'],
])('%s: %s is mended to %s', (id, typed, mended) => {
  const provider = findProvider(id)
  expect(provider && resolveBaseUrl(provider, typed)).toBe(mended)
  expect(provider && resolveBaseUrl(provider, mended)).toBe(mended)
})
