import { describe, expect, test } from 'vitest'
import { createChunkReshaper, reshapeAnswer } from './reshape.ts'

const thinking = { forcesFormat: false, thinkingToContent: true }
const format = { forcesFormat: true, thinkingToContent: false }

function contents(chunks: readonly object[], rules = thinking): string[] {
  const reshape = createChunkReshaper(rules)
  return chunks.map(chunk => JSON.stringify(reshape({ ...chunk })['choices']))
}
const chunk = (delta: object, more: object = {}) => ({ choices: [{ index: 0, delta, ...more }] })

describe('thinking_to_content', () => {
  test("puts a whole answer's reasoning before its content", () => {
    const answer = {
      choices: [{ index: 0, message: { role: 'assistant', reasoning_content: 'Why', content: 'So' } }],
    }
    expect(reshapeAnswer(answer, thinking)).toEqual({
      choices: [{ index: 0, message: { role: 'assistant', content: '<think>\nWhy\n</think>\nSo' } }],
    })
  })

  test('opens once, closes before the first content', () => {
    const stream = [
      chunk({ reasoning_content: 'a' }),
      chunk({ reasoning_content: 'b' }),
      chunk({ content: 'c' }),
      chunk({ content: 'd' }),
    ]
    expect(contents(stream).map(text => JSON.parse(text)[0].delta.content)).toEqual([
      '<think>\na',
      'b',
      '\n</think>\nc',
      'd',
    ])
  })

  test('closes with the finish where no content follows, and before tool calls', () => {
    const atFinish = [chunk({ reasoning: 'a' }), chunk({}, { finish_reason: 'length' })]
    expect(contents(atFinish).map(text => JSON.parse(text)[0].delta.content)).toEqual([
      '<think>\na',
      '\n</think>\n',
    ])
    const atTool = [chunk({ reasoning: 'a' }), chunk({ tool_calls: [{ index: 0 }] })]
    expect(JSON.parse(contents(atTool)[1] ?? '')[0].delta).toEqual({
      tool_calls: [{ index: 0 }],
      content: '\n</think>\n',
    })
  })

  test.each([[null], [[]]])('stays open while chunks of reasoning have %j as calls of tools', calls => {
    const stream = [
      chunk({ reasoning_content: 'a', tool_calls: calls, content: null }),
      chunk({ reasoning_content: 'b', tool_calls: calls, content: [{ type: 'text', text: '' }] }),
      chunk({ content: 'c', tool_calls: calls }),
    ]
    expect(contents(stream).map(text => JSON.parse(text)[0].delta.content)).toEqual([
      '<think>\na',
      'b',
      '\n</think>\nc',
    ])
  })

  test('keeps an answer in parts, whole and in a stream', () => {
    const parts = [{ type: 'text', text: 'ANSWER' }]
    const answer = { choices: [{ index: 0, message: { reasoning_content: 'Why', content: parts } }] }
    expect(reshapeAnswer(answer, thinking)['choices']).toEqual([
      { index: 0, message: { content: [{ type: 'text', text: '<think>\nWhy\n</think>\n' }, ...parts] } },
    ])
    const stream = [
      chunk({ reasoning_content: 'a' }),
      chunk({ content: parts }),
      chunk({ content: parts }, { finish_reason: 'stop' }),
    ]
    expect(contents(stream).map(text => JSON.parse(text)[0].delta.content)).toEqual([
      '<think>\na',
      [{ type: 'text', text: '\n</think>\n' }, ...parts],
      parts,
    ])
  })

  test('keeps choices apart', () => {
    const two = {
      choices: [
        { index: 0, delta: { reasoning_content: 'a' } },
        { index: 1, delta: { content: 'x' } },
      ],
    }
    expect(
      JSON.parse(contents([two])[0] ?? '').map(
        (choice: { delta: { content: string } }) => choice.delta.content,
      ),
    ).toEqual(['<think>\na', 'x'])
  })
})

test('force_format leaves the members of the official shape and nothing else', () => {
  const answer = {
    id: '1',
    vendor: true,
    choices: [
      { index: 0, extra: 1, message: { role: 'assistant', content: 'x', audit: 2 }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 1 },
  }
  expect(reshapeAnswer(answer, format)).toEqual({
    id: '1',
    choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1 },
  })
})

test('answers without choices pass', () => {
  expect(reshapeAnswer({ object: 'list' }, thinking)).toEqual({ object: 'list' })
})

test('the official shape of a legacy completion keeps its texts', () => {
  const answer = { id: 'c', foreign: 1, choices: [{ text: 'x', index: 0, finish_reason: 'stop', own: 2 }] }
  expect(reshapeAnswer(answer, format)).toEqual({
    id: 'c',
    choices: [{ text: 'x', index: 0, finish_reason: 'stop' }],
  })
})
