import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml'
import { limits } from '../limits.ts'

/** Members and indexes from the top: `['channels', 0, 'provider']`. */
export type Path = readonly (string | number)[]

/** Both count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** One thing that is wrong with a file. `path` is empty where the text itself cannot be read. */
export interface FileIssue extends Position {
  readonly path: string
  readonly found: string
  readonly allowed: string
}

/** A YAML or JSON text as plain values that still knows where each came from. */
export interface YamlSource {
  readonly value: unknown
  /** Where the deepest existing part of `path` stands. */
  locate(path: Path): Position
  /** Where the key stands that `path` ends with. */
  locateKey(path: Path): Position
}

export type ParsedYaml =
  | { readonly kind: 'source'; readonly source: YamlSource }
  | { readonly kind: 'issues'; readonly issues: readonly FileIssue[] }

export interface YamlParts {
  readonly text: string
  /**
   * Paths whose numbers are kept as they are written, because a float cannot hold them; `*` stands for any
   * one part.
   */
  readonly decimals: readonly (readonly string[])[]
}

const depthMax = 64
const nodesMax = 4_000_000

/**
 * Reads YAML 1.2 (and so JSON). Duplicate keys, foreign tags, several documents and `__proto__` are refused.
 */
export function parseYaml({ text, decimals }: YamlParts): ParsedYaml {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const broken = [...document.errors, ...document.warnings]
  if (broken.length > 0)
    return { kind: 'issues', issues: broken.slice(0, 20).map(error => issueOfYaml(error, lines)) }
  const reader = createReader(document, decimals, lines)
  const value = reader.read(document.contents, [], 0)
  if (reader.issues.length > 0) return { kind: 'issues', issues: reader.issues }
  return {
    kind: 'source',
    source: {
      value,
      locate: path => positionOf(findNode(document, path), lines),
      locateKey: path => positionOf(findKey(document, path), lines),
    },
  }
}

/** `channels[0].provider`, `prices["qwen*"].input` */
export function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${JSON.stringify(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')
}

/**
 * The path that a message begins with: `apiKeys[0].user: there is no user bob`. Empty where it begins with
 * none.
 */
export function leadingPath(message: string): Path {
  const [text = ''] = /^[A-Za-z]+(\[\d+\]|\.\w+)+(?=:)/.exec(message) ?? []
  return (text.match(/\w+/g) ?? []).map(part => (/^\d+$/.test(part) ? Number(part) : part))
}

/** `file.yaml:12:5 channels[0].provider: found "foo", allowed: openai, azure` */
export function formatFileIssue(fileName: string, { line, column, path, found, allowed }: FileIssue): string {
  return `${fileName}:${line}:${column}${path === '' ? '' : ` ${path}`}: found ${found}, allowed: ${allowed}`
}

type Contents = Node | null | undefined

interface Reader {
  readonly issues: FileIssue[]
  read(node: unknown, path: Path, depth: number): unknown
}

function createReader(document: Document, decimals: YamlParts['decimals'], lines: LineCounter): Reader {
  const issues: FileIssue[] = []
  let nodes = 0
  let aliases = 0
  const refuse = (node: unknown, path: Path, [found, allowed]: readonly [string, string]): undefined => {
    if (issues.length < 20)
      issues.push({ ...positionOf(node, lines), path: formatPath(path), found, allowed })
  }
  const read = (node: unknown, path: Path, depth: number): unknown => {
    if (++nodes > nodesMax || depth > depthMax)
      return refuse(node, path, ['a file that is too deep or too large', sizeWords])
    if (isAlias(node)) {
      if (++aliases > limits.configAliasesMax) return refuse(node, path, ['too many aliases', sizeWords])
      return read(node.resolve(document), path, depth + 1)
    }
    if (isMap(node)) return readMap(node.items, path, depth)
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index], depth + 1))
    if (isScalar(node)) return readScalar(node.value, node.source, { node, path })
    return null
  }
  const readMap = (pairs: readonly Pair[], path: Path, depth: number) => {
    const values: Record<string, unknown> = {}
    for (const { key, value } of pairs) {
      const name = keyText(key)
      if (name === undefined || name === '__proto__')
        refuse(key, path, [`the key ${name ?? 'that is no text'}`, 'a text as key'])
      else values[name] = read(value, [...path, name], depth + 1)
    }
    return values
  }
  const readScalar = (
    value: unknown,
    source: string | undefined,
    at: { readonly node: unknown; readonly path: Path },
  ) => {
    if (typeof value !== 'number') return value
    if (decimals.some(pattern => fits(pattern, at.path))) return source ?? String(value)
    const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
    return isExact
      ? value
      : refuse(at.node, at.path, [source ?? String(value), 'a finite number below 2^53, or a text in quotes'])
  }
  return { issues, read }
}

const sizeWords = `at most ${depthMax} levels, ${limits.configAliasesMax} aliases and ${nodesMax} values`

function issueOfYaml(error: YAMLError, lines: LineCounter): FileIssue {
  const { line, col } = lines.linePos(error.pos[0])
  const isDuplicate = error.code === 'DUPLICATE_KEY'
  return {
    line,
    column: col,
    path: '',
    found: isDuplicate
      ? 'a key for the second time'
      : `a text that cannot be read (${error.message.split('\n')[0]})`,
    allowed: isDuplicate ? 'each key once' : 'one YAML or JSON document',
  }
}

function findNode(document: Document, path: Path): Contents {
  let node: Contents = document.contents
  for (const part of path) {
    const next: Contents = childOf(resolved(node, document), part)
    if (next === undefined || next === null) return node
    node = next
  }
  return node
}

function findKey(document: Document, path: Path): unknown {
  const parent = resolved(findNode(document, path.slice(0, -1)), document)
  const name = path.at(-1)
  if (!isMap(parent)) return parent
  return parent.items.find(({ key }) => keyText(key) === name)?.key ?? parent
}

function childOf(node: Contents, part: string | number): Contents {
  if (isMap(node)) return asNode(node.items.find(({ key }) => keyText(key) === part)?.value)
  if (isSeq(node) && typeof part === 'number') return asNode(node.items[part])
  return undefined
}

function resolved(node: Contents, document: Document): Contents {
  return isAlias(node) ? node.resolve(document) : node
}

function asNode(value: unknown): Contents {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value) ? value : undefined
}

/** A key that is written as a number (`429: 503`) is the text that it is written as. */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined
  return typeof key.value === 'string' ? key.value : key.source
}

function positionOf(node: unknown, lines: LineCounter): Position {
  const offset = asNode(node)?.range?.[0] ?? 0
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function fits(pattern: readonly string[], path: Path): boolean {
  return (
    pattern.length === path.length && pattern.every((part, index) => part === '*' || part === path[index])
  )
}
