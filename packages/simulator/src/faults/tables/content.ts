import { oddUsage, rewrite } from '../body.ts'
import {
  contentInFinish,
  cutArguments,
  filterFirst,
  objectArguments,
  usageInFinish,
  withoutCallMember,
  withoutRole,
} from '../chat.ts'
import type { Fault } from '../fault.ts'

/** What the answer says. */
export const contentFaults = {
  'missing-usage': {
    on: 'any',
    about: 'No usage, asked for or not.',
    script: script => ({ ...script, usage: undefined }),
  },
  'zero-usage': {
    on: 'any',
    about: 'All counts are 0.',
    script: script => ({
      ...script,
      usage: { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 },
    }),
  },
  'odd-usage': { on: 'any', about: 'Negative input, output as a string with a fraction.', reply: oddUsage },
  'huge-usage': {
    on: 'any',
    about: 'Counts of 10¹².',
    script: script => ({
      ...script,
      usage: { input: 1e12, cacheRead: 0, cacheWrite: 0, output: 1e12, reasoning: 0 },
    }),
  },
  'other-model': {
    on: 'any',
    about: 'The answer names another model than the one asked.',
    script: script => ({ ...script, model: 'other-model-2025-01-01' }),
  },
  'unknown-finish': {
    on: 'any',
    about: 'A finish reason that nobody knows (not in Responses).',
    reply: rewrite(/"(finish_reason|stop_reason|finishReason)":"[^"]*"/g, '"$1":"unheard_of"'),
  },
  'stop-with-tools': {
    on: 'any',
    about: 'Tool calls with the finish reason of plain text.',
    reply: reply =>
      rewrite(
        /"stop_reason":"tool_use"/g,
        '"stop_reason":"end_turn"',
      )(rewrite(/"finish_reason":"tool_calls"/g, '"finish_reason":"stop"')(reply)),
  },
  'tool-input-cut': {
    on: 'tools stream',
    about: 'The last piece of the arguments is missing.',
    script: cutArguments('most'),
  },
  'tool-input-empty': {
    on: 'tools stream',
    about: 'Calls without any piece of arguments.',
    script: cutArguments('none'),
  },
  'tool-input-object': {
    on: 'chat',
    about: 'Arguments as an object where a string is due.',
    reply: objectArguments,
  },
  'tool-index-missing': {
    on: 'chat stream',
    about: 'Tool call deltas without `index`.',
    reply: withoutCallMember('index'),
  },
  'tool-id-missing': {
    on: 'chat stream',
    about: 'Tool call deltas without `id`.',
    reply: withoutCallMember('id'),
  },
  'usage-in-finish': {
    on: 'chat stream',
    about: 'Usage in the chunk with the finish reason, asked for or not.',
    reply: usageInFinish,
  },
  'content-in-finish': {
    on: 'chat stream',
    about: 'Text in the chunk with the finish reason.',
    reply: contentInFinish,
  },
  'filter-first': {
    on: 'chat stream',
    about: "A first chunk with `choices: []` and Azure's filter results.",
    reply: filterFirst,
  },
  'missing-role': { on: 'chat stream', about: 'No chunk with the role.', reply: withoutRole },
} as const satisfies Record<string, Fault>
