import { type BodyDraft, expand, OperationError } from './draft.ts'
import { copyOf, isObject, put, textOf, typeOf } from './exact-json.ts'
import { type Fields, hasSameWildcards, type Step } from './operation.ts'
import type { Path } from './path.ts'
import { compilePattern, replaceAll } from './pattern.ts'

type ModeReader = (fields: Fields) => Step | undefined

/** The modes that change the body. */
export const bodyModes = {
  set: fields =>
    hasValue(fields) &&
    onPlaces(fields, (draft, names) => {
      if (!fields.keepsOrigin || draft.read(names) === undefined) draft.write(names, copyOf(fields.value))
    }),
  delete: fields => {
    // New API takes an empty path for nothing to do.
    if (fields.optionalText('path') === '') return () => {}
    const path = fields.target('path')
    return (
      path &&
      (({ draft }) => {
        for (const { names } of expand(draft, path).toReversed()) draft.remove(names)
      })
    )
  },
  move: fields => transfer(fields, 'move'),
  copy: fields => transfer(fields, 'copy'),
  prepend: fields =>
    hasValue(fields) && onPlaces(fields, (draft, names) => extend(draft, names, { fields, isFirst: true })),
  append: fields =>
    hasValue(fields) && onPlaces(fields, (draft, names) => extend(draft, names, { fields, isFirst: false })),
  trim_prefix: fields =>
    withText(fields, (text, part) => (text.startsWith(part) ? text.slice(part.length) : text)),
  trim_suffix: fields =>
    withText(fields, (text, part) => (text.endsWith(part) ? text.slice(0, -part.length) : text)),
  ensure_prefix: fields => withText(fields, (text, part) => (text.startsWith(part) ? text : part + text)),
  ensure_suffix: fields => withText(fields, (text, part) => (text.endsWith(part) ? text : text + part)),
  trim_space: fields => onText(fields, text => text.trim()),
  to_lower: fields => onText(fields, text => text.toLowerCase()),
  to_upper: fields => onText(fields, text => text.toUpperCase()),
  replace: fields => {
    const from = fields.text('from')
    const to = fields.optionalText('to')
    return from === undefined || to === undefined
      ? undefined
      : onText(fields, text => text.replaceAll(from, () => to))
  },
  regex_replace: fields => {
    const from = fields.text('from')
    const to = fields.optionalText('to')
    if (from === undefined || to === undefined) return undefined
    const pattern = compilePattern(from)
    if (pattern === undefined) return fields.refuse('from', 'a regular expression of RE2')
    return onText(fields, text => replaceAll(pattern, text, to))
  },
} as const satisfies Record<string, ModeReader>

/** `undefined` after a refusal that is noted, so that readers chain by `&&`. */
function hasValue(fields: Fields): true | undefined {
  return fields.value === undefined ? fields.refuse('value', 'a value; null is one') : true
}

function onPlaces(
  fields: Fields,
  change: (draft: BodyDraft, names: readonly string[]) => void,
): Step | undefined {
  const path = fields.target('path')
  return (
    path &&
    (({ draft }) => {
      for (const { names } of expand(draft, path)) change(draft, names)
    })
  )
}

function onText(fields: Fields, change: (text: string) => string): Step | undefined {
  return onPlaces(fields, (draft, names) => {
    const found = draft.read(names)
    if (typeof found !== 'string') throw new OperationError(`found ${describe(found)} where a text has to be`)
    const changed = change(found)
    if (changed !== found) draft.write(names, changed)
  })
}

function withText(fields: Fields, change: (text: string, part: string) => string): Step | undefined {
  const part = fields.text('value')
  return part === undefined ? undefined : onText(fields, text => change(text, part))
}

/** With a `*` in `from`, `to` has as many: what they stood for is the same on both sides. */
function transfer(fields: Fields, mode: 'move' | 'copy'): Step | undefined {
  const from = mode === 'move' ? fields.target('from') : fields.source('from')
  const to = fields.target('to')
  if (from === undefined || to === undefined) return undefined
  if (!hasSameWildcards(from, to)) return fields.refuse('to', 'a path with as many * as from')
  return ({ draft }) => {
    const found = expand(draft, from)
    const values = found.map(({ names, matched }) => ({ names, matched, value: draft.read(names) }))
    if (values.some(({ value }) => value === undefined)) throw new OperationError('there is nothing at from')
    for (const { matched, value } of values) draft.write(fill(to, matched), copyOf(value))
    if (mode === 'copy') return
    for (const { names, matched } of values.toReversed()) {
      if (fill(to, matched).join('\n') !== names.join('\n')) draft.remove(names)
    }
  }
}

function fill(path: Path, matched: readonly string[]): readonly string[] {
  const left = [...matched]
  return path.map(segment => (segment.kind === 'name' ? segment.name : (left.shift() ?? '')))
}

function extend(
  draft: BodyDraft,
  names: readonly string[],
  { fields, isFirst }: { readonly fields: Fields; readonly isFirst: boolean },
): void {
  const found = draft.read(names)
  const { value } = fields
  if (typeof found === 'string') {
    draft.write(names, isFirst ? textOf(value) + found : found + textOf(value))
  } else if (Array.isArray(found)) {
    const added = (Array.isArray(value) ? value : [value]).map(copyOf)
    draft.write(names, isFirst ? [...added, ...found] : [...found, ...added])
  } else if (isObject(found) && isObject(value)) {
    const merged = { ...found }
    for (const [name, inner] of Object.entries(value)) {
      if (!fields.keepsOrigin || !Object.hasOwn(found, name) || found[name] === null)
        put(merged, name, copyOf(inner))
    }
    draft.write(names, merged)
  } else {
    throw new OperationError(
      `found ${describe(found)} where a text, an array or (for an object as value) an object has to be`,
    )
  }
}

const describe = (value: unknown) => (value === undefined ? 'nothing' : `a value of type ${typeOf(value)}`)
