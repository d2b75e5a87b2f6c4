import { combine, parseList, parseLogic } from './conditions.ts'
import { expand, ValueReader } from './draft.ts'
import { isObject, type JsonObject, put } from './exact-json.ts'
import type { IssuePath, Issues } from './issues.ts'
import type { Fields, Step } from './operation.ts'

/** `prune_objects`: takes the objects that fit the conditions out of the arrays and objects below a path. */
export function readPrune(fields: Fields, at: IssuePath, issues: Issues): Step | undefined {
  const text = fields.optionalText('path')
  const path = text === '' ? [] : fields.target('path')
  const rule = readRule(fields.value, [...at, 'value'], issues)
  if (path === undefined || rule === undefined) return undefined
  const { fits } = rule
  return ({ draft }) => {
    if (path.length > 0) {
      for (const { names } of expand(draft, path)) {
        const found = draft.read(names)
        const pruned = prune(found, { fits, isRecursive: rule.isRecursive })
        if (pruned !== found) draft.write(names, pruned)
      }
      return
    }
    for (const name of draft.names()) {
      const found = draft.read([name])
      if (isObject(found) && fits(found)) draft.remove([name])
      else if (rule.isRecursive) {
        const pruned = prune(found, { fits, isRecursive: true })
        if (pruned !== found) draft.write([name], pruned)
      }
    }
  }
}

interface Rule {
  readonly fits: (value: JsonObject) => boolean
  readonly isRecursive: boolean
}

const words = 'a type, or { type, where, conditions, logic, recursive } with one condition at least'

function readRule(value: unknown, at: IssuePath, issues: Issues): Rule | undefined {
  if (typeof value === 'string' && value !== '') return readRule({ type: value }, at, issues)
  if (!isObject(value)) return issues.add(at, words)
  const { type, where, conditions } = value
  const listed = conditions === undefined ? [] : parseList(conditions, [...at, 'conditions'], issues)
  const wheres = where === undefined ? [] : parseList(isObject(where) ? where : 0, [...at, 'where'], issues)
  const types =
    type === undefined
      ? []
      : parseList([{ path: 'type', mode: 'full', value: type }], [...at, 'type'], issues)
  const logic = parseLogic(value['logic'], 'AND', { at, issues })
  if (listed === undefined || wheres === undefined || types === undefined || logic === undefined)
    return undefined
  const tests = [...listed, ...wheres, ...types]
  if (tests.length === 0) return issues.add(at, words)
  const test = combine(tests, logic)
  return {
    // A condition looks at the object as an operation's does at the body; there is nothing beside it.
    fits: object => test(new ValueReader(object), () => ({})),
    isRecursive: value['recursive'] !== false,
  }
}

/** The value without the objects that fit; the same value where nothing did. It itself stays, whatever it is. */
function prune(
  value: unknown,
  rule: { readonly fits: (value: JsonObject) => boolean; readonly isRecursive: boolean },
): unknown {
  const isTaken = (inner: unknown) => isObject(inner) && rule.fits(inner)
  const below = (inner: unknown) => (rule.isRecursive ? prune(inner, rule) : inner)
  if (Array.isArray(value)) {
    const kept = value.filter(inner => !isTaken(inner)).map(below)
    return kept.length === value.length && kept.every((inner, index) => inner === value[index]) ? value : kept
  }
  if (!isObject(value)) return value
  const kept: JsonObject = {}
  let isChanged = false
  for (const [name, inner] of Object.entries(value)) {
    if (isTaken(inner)) {
      isChanged = true
      continue
    }
    const pruned = below(inner)
    if (pruned !== inner) isChanged = true
    put(kept, name, pruned)
  }
  return isChanged ? kept : value
}
