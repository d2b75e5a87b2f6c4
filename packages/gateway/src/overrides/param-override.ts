import type { ScannedObject } from '@yumen/protocol'
import { bodyModes } from './body-modes.ts'
import { type Context, parseConditions } from './conditions.ts'
import { BodyDraft, OperationError } from './draft.ts'
import { copyOf, isObject } from './exact-json.ts'
import { headerModes } from './header-modes.ts'
import type { ClientHeaders, HeaderDraft } from './headers.ts'
import type { IssuePath, Issues } from './issues.ts'
import { fieldsOf, findLostNumber, isStreamName, type Step } from './operation.ts'
import { readPrune } from './prune.ts'
import { readReturnError } from './return-error.ts'

interface Operation {
  /** As messages name it: `operations[2] (append)`. */
  readonly place: string
  readonly isForHeaders: boolean
  readonly fits: ReturnType<typeof parseConditions> & {}
  readonly step: Step
}

export interface ParamOverride {
  /** Top-level members, set as they are. */
  readonly members: readonly (readonly [name: string, value: unknown])[]
  readonly operations: readonly Operation[]
}

/** What the body cannot take: which operation of the channel's setting, and why. For the administrator's log. */
export class ParamOverrideError extends Error {
  override readonly name = 'ParamOverrideError'
}

const ownModes = ['prune_objects', 'return_error']
const modes = [...Object.keys(bodyModes), ...Object.keys(headerModes), ...ownModes]

/** A channel's `paramOverride`. What is wrong with it is added to `issues`: nothing malformed is ever sent upstream. */
export function parseParamOverride(
  stored: Readonly<Record<string, unknown>>,
  issues: Issues,
): ParamOverride | undefined {
  const { operations: listed, ...members } = stored
  const lost = findLostNumber(stored)
  if (lost !== undefined)
    issues.add(lost, `a whole number of at most ${Number.MAX_SAFE_INTEGER}: of larger ones digits are lost`)
  for (const name of Object.keys(members)) {
    if (isStreamName(name))
      issues.add(
        [name],
        'a member other than stream: the client decides it, and the relay reads the answer as asked',
      )
  }
  const operations = parseOperations(listed, issues)
  const entries = Object.entries(members)
  return entries.length + operations.length === 0 ? undefined : { members: entries, operations }
}

function parseOperations(listed: unknown, issues: Issues): readonly Operation[] {
  if (listed === undefined) return []
  if (!Array.isArray(listed)) {
    issues.add(['operations'], 'a list of operations')
    return []
  }
  return listed.flatMap((operation: unknown, index) => {
    const at = ['operations', index]
    if (!isObject(operation)) {
      issues.add(at, 'an operation: an object with a mode')
      return []
    }
    const parsed = parseOperation(operation, at, issues)
    return parsed === undefined ? [] : [parsed]
  })
}

function parseOperation(
  operation: Readonly<Record<string, unknown>>,
  at: IssuePath,
  issues: Issues,
): Operation | undefined {
  const { mode } = operation
  if (typeof mode !== 'string' || !modes.includes(mode))
    return issues.add([...at, 'mode'], `one of ${modes.join(', ')}`)
  const fields = fieldsOf(operation, at, issues)
  const fits = parseConditions(operation, at, issues)
  const step = readStep(mode)
  if (fits === undefined || step === undefined) return undefined
  const place = `operations[${at.at(-1)}] (${mode})`
  return { place, isForHeaders: Object.hasOwn(headerModes, mode) && mode !== 'sync_fields', fits, step }

  function readStep(name: string): Step | undefined {
    if (name === 'return_error') return readReturnError(fields)
    if (name === 'prune_objects') return readPrune(fields, at, issues)
    const reader = Object.entries({ ...bodyModes, ...headerModes }).find(([known]) => known === name)?.[1]
    return reader?.(fields)
  }
}

export interface ParamRun {
  readonly bytes: Buffer
  readonly object: ScannedObject
  readonly headers: HeaderDraft
  readonly client: ClientHeaders
  readonly apiKey: string
  readonly context: Context
  /** Bodies of other calls than generation take no members of it: there the operations on headers alone are done. */
  readonly changesBody: boolean
}

/**
 * The body after the override, the same bytes but for the members that it changes; `headers` is changed in place.
 * @throws ReturnedError as told, ParamOverrideError, SyntaxError where the client's own body is no JSON
 */
export function applyParamOverride({ members, operations }: ParamOverride, run: ParamRun): readonly Buffer[] {
  const draft = new BodyDraft(run.bytes, run.object)
  const { headers, client, apiKey, context, changesBody } = run
  if (changesBody)
    for (const [name, value] of members) draft.write([name], operations.length > 0 ? copyOf(value) : value)
  for (const { place, isForHeaders, fits, step } of operations) {
    if (!changesBody && !isForHeaders) continue
    try {
      if (fits(draft, context)) step({ draft, headers, client, apiKey, context })
    } catch (error) {
      if (!(error instanceof OperationError)) throw error
      throw new ParamOverrideError(`paramOverride.${place}: ${error.message}`, { cause: error })
    }
  }
  return draft.render()
}
