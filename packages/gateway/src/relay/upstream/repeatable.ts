import type { Target } from '../route.ts'
import type { Facts } from '../scan.ts'

/**
 * Whether a request may be sent to another upstream after a failure (relay.md §4.10). `yes`: after any; `before-send`: only when
 * the first has certainly not worked on it.
 */
export type Repeatable = 'yes' | 'before-send'

/** Responses that stand in a state of their upstream, or go on without us. */
const statefulMembers = ['previous_response_id', 'conversation']
/** Tools that act while the model answers: twice asked is twice done. Types of OpenAI, Anthropic and Google. */
const actingTools =
  /"type"\s*:\s*"(?:mcp|mcp_toolset|computer[\w-]*|code_interpreter|code_execution[\w-]*|bash_[\w-]*|local_shell|shell)"|"(?:mcp_servers|code_?[eE]xecution|computer_?[uU]se)"\s*:/

export function repeatableOf({ dialect }: Target, { body, governing, object }: Facts): Repeatable {
  if (dialect === 'openai-responses') {
    if (statefulMembers.some(name => governing.has(name))) return 'before-send'
    const background = governing.get('background')
    if (background !== undefined && body[background.valueStart] === letterT) return 'before-send'
  }
  if (object.members.some(({ name }) => name === 'mcp_servers')) return 'before-send'
  const tools = governing.get('tools')
  if (tools === undefined) return 'yes'
  return actingTools.test(body.toString('latin1', tools.valueStart, tools.valueEnd)) ? 'before-send' : 'yes'
}

/** `mayBeBilled`: the body was sent and no refusal came. */
export function mayRepeat(repeatable: Repeatable, failure: { readonly mayBeBilled: boolean }): boolean {
  return repeatable === 'yes' || !failure.mayBeBilled
}

/** Of `true`. */
const letterT = 0x74
