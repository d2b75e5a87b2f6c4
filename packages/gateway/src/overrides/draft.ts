import {
  addMembers,
  applyEdits,
  type Edit,
  type Member,
  removeMembers,
  type ScannedObject,
  setMember,
} from '@yumen/protocol'
import { isObject, type JsonObject, parseExact, put, typeOf } from './exact-json.ts'
import type { Path } from './path.ts'

type Names = readonly string[]

/** A place that a path leads to, with the names that its `*` stood for. */
export interface Place {
  readonly names: Names
  readonly matched: Names
}

/** An operation cannot do what it is told with this body. The message names types and the configured path, never a value. */
export class OperationError extends Error {
  override readonly name = 'OperationError'
}

/** What a path can be followed in. */
export interface Readable {
  /** Names of the members at the top. */
  names(): Names
  /** The value at `names`, `undefined` where there is none. @throws SyntaxError where the client's member is no JSON */
  read(names: Names): unknown
}

/** A value that is only read. */
export class ValueReader implements Readable {
  readonly #value: JsonObject

  constructor(value: JsonObject) {
    this.#value = value
  }

  names(): Names {
    return Object.keys(this.#value)
  }

  read(names: Names): unknown {
    let value: unknown = this.#value
    for (const name of names) value = childOf(value, name)
    return value
  }
}

/** The places of `path`: one, or for each `*` those that there are, objects' members in the order of their names. */
export function expand(readable: Readable, path: Path): readonly Place[] {
  let places: Place[] = [{ names: [], matched: [] }]
  let hasWildcard = false
  for (const [index, segment] of path.entries()) {
    if (segment.kind === 'all') {
      hasWildcard = true
      places = places.flatMap(({ names, matched }) =>
        childrenOf(readable, names).map(child => ({
          names: [...names, child],
          matched: [...matched, child],
        })),
      )
      continue
    }
    // Behind a `*` the way must be there; its last step need not, where an object can get it.
    if (hasWildcard) {
      const isLast = index === path.length - 1
      places = places.filter(({ names }) => leads(readable.read(names), segment.name, isLast))
    }
    places = places.map(({ names, matched }) => ({ names: [...names, segment.name], matched }))
  }
  return places
}

function childrenOf(readable: Readable, names: Names): Names {
  if (names.length === 0) return [...readable.names()].sort()
  const holder = readable.read(names)
  if (Array.isArray(holder)) return holder.map((_, index) => String(index))
  return isObject(holder) ? Object.keys(holder).sort() : []
}

function leads(holder: unknown, next: string, isLast: boolean): boolean {
  if (Array.isArray(holder)) return childOf(holder, next) !== undefined || (isLast && next === '-1')
  return isObject(holder) && (isLast || Object.hasOwn(holder, next))
}

/**
 * A body being changed. A top-level member is parsed when it is asked for and written when it was changed; the bytes of all
 * others stay. Of repeated members the last one counts, as it does for parsers.
 */
export class BodyDraft implements Readable {
  readonly #bytes: Buffer
  readonly #object: ScannedObject
  readonly #members = new Map<string, Member>()
  readonly #values = new Map<string, unknown>()
  readonly #changed = new Set<string>()

  constructor(bytes: Buffer, object: ScannedObject) {
    this.#bytes = bytes
    this.#object = object
    for (const member of object.members) this.#members.set(member.name, member)
  }

  get isChanged(): boolean {
    return this.#changed.size > 0
  }

  /** Names of the top-level members as they are now. */
  names(): Names {
    const names = new Set(this.#members.keys())
    for (const name of this.#changed) {
      if (this.#values.get(name) === undefined) names.delete(name)
      else names.add(name)
    }
    return [...names]
  }

  read([first, ...rest]: Names): unknown {
    if (first === undefined) return undefined
    let value = this.#top(first)
    for (const name of rest) value = childOf(value, name)
    return value
  }

  /** Writes a value, with the parents that are missing. @throws OperationError where a parent is a scalar */
  write([first, ...rest]: Names, value: unknown): void {
    if (first === undefined) return
    this.#changed.add(first)
    const last = rest.at(-1)
    if (last === undefined) {
      this.#values.set(first, value)
      return
    }
    let holder = this.#top(first)
    if (typeOf(holder) === 'null') {
      holder = emptyFor(rest[0])
      this.#values.set(first, holder)
    }
    for (const [index, name] of rest.slice(0, -1).entries()) {
      let child = childOf(holder, name)
      if (typeOf(child) === 'null') {
        child = emptyFor(rest[index + 1])
        setChild(holder, name, child)
      }
      holder = child
    }
    setChild(holder, last, value)
  }

  /** Takes the value at `names` out; nothing happens where there is none. */
  remove(names: Names): void {
    const [first, ...rest] = names
    const last = rest.at(-1)
    if (first === undefined || this.read(names) === undefined) return
    this.#changed.add(first)
    if (last === undefined) this.#values.set(first, undefined)
    else removeChild(this.read(names.slice(0, -1)), last)
  }

  /** The changed members as edits of the bytes. */
  edits(): Edit[] {
    if (!this.isChanged) return []
    const left = this.#object.members.filter(member => this.#keeps(member))
    const added: JsonObject = {}
    for (const name of this.#changed) {
      const value = this.#values.get(name)
      if (!this.#members.has(name) && value !== undefined) put(added, name, value)
    }
    const hasAdded = Object.keys(added).length > 0
    // A comma stands between what is left and what comes: with nothing left the object is written as a whole.
    if (left.length === 0)
      return [{ start: this.#object.start, end: this.#object.end, text: JSON.stringify(added) }]
    return [
      ...removeMembers(this.#object, member => !this.#keeps(member)),
      ...left
        .filter(({ name }) => this.#changed.has(name))
        .map(member => setMember(member, this.#values.get(member.name))),
      ...(hasAdded ? [addMembers(this.#object, added)] : []),
    ]
  }

  render(): readonly Buffer[] {
    return applyEdits(this.#bytes, this.edits())
  }

  #keeps(member: Member): boolean {
    if (!this.#changed.has(member.name)) return true
    return this.#members.get(member.name) === member && this.#values.get(member.name) !== undefined
  }

  #top(name: string): unknown {
    if (this.#values.has(name)) return this.#values.get(name)
    const member = this.#members.get(name)
    if (member === undefined) return undefined
    const value = parseExact(this.#bytes.toString('utf8', member.valueStart, member.valueEnd))
    this.#values.set(name, value)
    return value
  }
}

function childOf(holder: unknown, name: string): unknown {
  if (Array.isArray(holder)) {
    const index = indexOf(holder, name)
    return index === undefined ? undefined : holder[index]
  }
  return isObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined
}

/** `-1` is the last element. `undefined`: no number, or one before the first. */
function indexOf(list: readonly unknown[], name: string): number | undefined {
  if (!/^-?\d+$/.test(name)) return undefined
  const index = name.startsWith('-') ? list.length + Number(name) : Number(name)
  return index < 0 ? undefined : index
}

function setChild(holder: unknown, name: string, value: unknown): void {
  if (isObject(holder)) {
    put(holder, name, value)
    return
  }
  if (!Array.isArray(holder))
    throw new OperationError(`found a ${typeOf(holder)} where an object or array has to be`)
  // Of an empty list `-1` is the place behind its end, as sjson has it.
  const index = indexOf(holder, name) ?? (name === '-1' ? holder.length : undefined)
  if (index === undefined) throw new OperationError(`an array has no element ${JSON.stringify(name)}`)
  while (holder.length < index) holder.push(null)
  holder[index] = value
}

function removeChild(holder: unknown, name: string): void {
  if (Array.isArray(holder)) {
    const index = indexOf(holder, name)
    if (index !== undefined) holder.splice(index, 1)
  } else if (isObject(holder)) Reflect.deleteProperty(holder, name)
}

const emptyFor = (next: string | undefined): unknown =>
  next !== undefined && (next === '-1' || /^\d+$/.test(next)) ? [] : {}
