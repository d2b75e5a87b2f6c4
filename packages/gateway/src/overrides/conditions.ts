import { expand, type Readable } from './draft.ts'
import { isObject, isSame, numberOf, textOf } from './exact-json.ts'
import type { IssuePath, Issues } from './issues.ts'
import { type Path, parsePath } from './path.ts'

/** What is known beside the body; looked up where the body has nothing at a path. */
export type Context = () => Readonly<Record<string, unknown>>

type Test = (draft: Readable, context: Context) => boolean

const comparisons = {
  full: isSame,
  prefix: (found, wanted) => textOf(found).startsWith(textOf(wanted)),
  suffix: (found, wanted) => textOf(found).endsWith(textOf(wanted)),
  contains: (found, wanted) => textOf(found).includes(textOf(wanted)),
  gt: numeric((found, wanted) => found > wanted),
  gte: numeric((found, wanted) => found >= wanted),
  lt: numeric((found, wanted) => found < wanted),
  lte: numeric((found, wanted) => found <= wanted),
} as const satisfies Record<string, (found: unknown, wanted: unknown) => boolean>

const modes = Object.keys(comparisons).join(', ')
const shape = 'a list of { path, mode, value, invert, pass_missing_key }, or an object of values by path'

/** An operation's `conditions`, of which `logic` wants one (`OR`) or all (`AND`). No conditions: always. */
export function parseConditions(
  operation: Readonly<Record<string, unknown>>,
  at: IssuePath,
  issues: Issues,
): Test | undefined {
  const { conditions } = operation
  const logic = parseLogic(operation['logic'], 'OR', { at, issues })
  if (conditions === undefined || conditions === null) return () => true
  const tests = parseList(conditions, [...at, 'conditions'], issues)
  if (tests === undefined || logic === undefined) return undefined
  return combine(tests, logic)
}

export function combine(tests: readonly Test[], logic: 'OR' | 'AND'): Test {
  if (tests.length === 0) return () => true
  return logic === 'AND'
    ? (draft, context) => tests.every(test => test(draft, context))
    : (draft, context) => tests.some(test => test(draft, context))
}

export function parseLogic(
  value: unknown,
  fallback: 'OR' | 'AND',
  { at, issues }: { readonly at: IssuePath; readonly issues: Issues },
): 'OR' | 'AND' | undefined {
  if (value === undefined || value === null || value === '') return fallback
  const word = typeof value === 'string' ? value.toUpperCase() : ''
  return word === 'OR' || word === 'AND' ? word : issues.add([...at, 'logic'], 'OR or AND')
}

/** Each condition as a test of a value at its path. */
export function parseList(conditions: unknown, at: IssuePath, issues: Issues): readonly Test[] | undefined {
  if (isObject(conditions)) {
    const tests = Object.entries(conditions).map(([path, value]) =>
      parseOne({ path, mode: 'full', value }, [...at, path], issues),
    )
    return complete(tests)
  }
  if (!Array.isArray(conditions)) return issues.add(at, shape)
  return complete(
    conditions.map((condition: unknown, index) =>
      isObject(condition)
        ? parseOne(condition, [...at, index], issues)
        : issues.add([...at, index], 'an object with path, mode and value'),
    ),
  )
}

function complete<Item>(items: readonly (Item | undefined)[]): readonly Item[] | undefined {
  const there = items.filter(item => item !== undefined)
  return there.length === items.length ? there : undefined
}

function parseOne(
  condition: Readonly<Record<string, unknown>>,
  at: IssuePath,
  issues: Issues,
): Test | undefined {
  const { path: text, mode, value } = condition
  const invert = condition['invert'] === true
  const passesMissing = condition['pass_missing_key'] === true
  if (typeof text !== 'string' || text === '')
    return issues.add([...at, 'path'], 'a path like messages.0.role')
  const reading = parsePath(text)
  if (reading.kind === 'refused') return issues.add([...at, 'path'], reading.allowed)
  if (typeof mode !== 'string' || !Object.hasOwn(comparisons, mode))
    return issues.add([...at, 'mode'], `one of ${modes}`)
  const compare = comparisons[mode as keyof typeof comparisons] // decoded by the line above
  const wanted = value ?? null
  return (draft, context) => {
    const found = lookUp(reading.path, draft, context)
    if (found.length === 0) return passesMissing
    return found.some(each => compare(each, wanted)) !== invert
  }
}

/** What stands at the path: in the body, else in the context. Several values where it has a `*`. */
function lookUp(path: Path, draft: Readable, context: Context): readonly unknown[] {
  const found = expand(draft, path)
    .map(({ names }) => draft.read(names))
    .filter(value => value !== undefined)
  if (found.length > 0) return found
  let value: unknown = context()
  for (const segment of path) {
    if (segment.kind === 'all' || !isObject(value) || !Object.hasOwn(value, segment.name)) return []
    value = value[segment.name]
  }
  return value === undefined ? [] : [value]
}

/** Another type than a number is no match, and no error. */
function numeric(compare: (found: number, wanted: number) => boolean) {
  return (found: unknown, wanted: unknown): boolean => {
    const one = numberOf(found)
    const other = numberOf(wanted)
    return one !== undefined && other !== undefined && compare(one, other)
  }
}
