import { resolve } from 'node:path'
import type { DesiredState } from '../desired-state.ts'
import type { EnvironmentSource } from '../env.ts'
import { findBypassed, findIdle } from '../idle.ts'
import { limits } from '../limits.ts'
import { desiredApiKey, desiredChannel, desiredUsers, sortedRates } from './desired-parts.ts'
import {
  readApiKeys,
  readChannelKeys,
  readChannelTexts,
  readPasswords,
  type SecretMakers,
} from './file-secrets.ts'
import { decimalPaths, type FileContent, fileSchema } from './schema.ts'
import { issuesOfZod } from './schema-issues.ts'
import { createSecretReader, type ReadFile } from './secret-reader.ts'
import {
  type FileIssue,
  formatFileIssue,
  formatPath,
  leadingPath,
  parseYaml,
  type YamlSource,
} from './yaml-source.ts'

/**
 * What of the store decides whether something is new: a new user's password is hashed, a new channel needs an
 * address.
 */
interface ExistingNames {
  readonly usernames: ReadonlySet<string>
  readonly channels: ReadonlySet<string>
}

export interface FileParts {
  readonly text: string
  /** As the user named it, for messages. */
  readonly fileName: string
  /** Identity of the file: its absolute path, or `stdin`. */
  readonly source: string
  /** What paths of `{ file: PATH }` are relative to. */
  readonly folder: string
  readonly env: EnvironmentSource
  readonly readFile: ReadFile
  /** Asked once, when the file itself is right. */
  readonly existing: () => Promise<ExistingNames>
  readonly secrets: SecretMakers
}

/**
 * A key that was made because the file names none. It counts only when the store says that it created the API
 * key.
 */
interface GeneratedKey {
  readonly user: string
  readonly name: string
  readonly key: string
}

interface FileState {
  readonly kind: 'state'
  readonly desired: DesiredState
  readonly generatedKeys: readonly GeneratedKey[]
  /** What the file names and nothing reads yet, a line each. */
  readonly warnings: readonly string[]
  /**
   * A message of the store that begins with a path of the file (`apiKeys[0].user: …`), with file, line and
   * column before it.
   */
  readonly placeMessage: (message: string) => string
}

export type FileReading = FileState | { readonly kind: 'issues'; readonly issues: readonly ToldIssue[] }

/**
 * `text`: the whole line for a terminal, `file.yaml:12:5 channels[0].provider: found "foo", allowed: openai,
 * azure`.
 */
interface ToldIssue extends FileIssue {
  readonly text: string
}

/** A declarative file, checked and resolved: or everything that is wrong with it. */
export async function readDeclarativeFile(parts: FileParts): Promise<FileReading> {
  const reading = await readContent(parts)
  if (reading.kind === 'state') return reading
  return {
    kind: 'issues',
    issues: reading.issues.map(issue => ({ ...issue, text: formatFileIssue(parts.fileName, issue) })),
  }
}

type Refusal = { readonly kind: 'issues'; readonly issues: readonly FileIssue[] }
type ContentReading = FileState | Refusal

async function readContent(parts: FileParts): Promise<ContentReading> {
  const bytes = Buffer.byteLength(parts.text)
  if (bytes > limits.configFileBytesMax) {
    return refuse([
      {
        line: 1,
        column: 1,
        path: '',
        found: `${bytes} bytes`,
        allowed: `${limits.configFileBytesMax} bytes`,
      },
    ])
  }
  const parsed = parseYaml({ text: parts.text, decimals: decimalPaths })
  if (parsed.kind === 'issues') return parsed
  const checked = fileSchema.safeParse(withoutEmptySections(parsed.source.value))
  if (!checked.success) return refuse(issuesOfZod(checked.error.issues, parsed.source))
  return resolveContent(checked.data, parsed.source, parts)
}

async function resolveContent(
  content: FileContent,
  source: YamlSource,
  parts: FileParts,
): Promise<ContentReading> {
  const secrets = createSecretReader({
    env: parts.env,
    readFile: path => parts.readFile(resolve(parts.folder, path)),
    locate: source.locate,
  })
  const keysOfUsers = await readApiKeys(content, secrets, parts.secrets)
  const keysOfChannels = await readChannelKeys(content, secrets, parts.secrets)
  const textsOfChannels = await readChannelTexts(content, secrets)
  const passwords = await readPasswords(content, secrets)
  if (secrets.issues.length > 0) return refuse(secrets.issues.toSorted(byPosition))
  const existing = await parts.existing()
  const homeless = findHomelessChannels(content, existing, source)
  if (homeless.length > 0) return refuse(homeless)
  const desired: DesiredState = {
    source: parts.source,
    groups: Object.entries(content.groups ?? {}).map(([name, { ratio, description }]) => ({
      name,
      ratio,
      description,
    })),
    prices: Object.entries(content.prices ?? {}).map(([pattern, rates]) => ({
      pattern,
      rates: sortedRates(rates),
    })),
    users: await desiredUsers({
      content,
      passwords,
      existingUsernames: existing.usernames,
      hashPassword: parts.secrets.hashPassword,
    }),
    apiKeys: (content.apiKeys ?? []).map((key, index) =>
      desiredApiKey(key, keysOfUsers[index], parts.secrets),
    ),
    channels: (content.channels ?? []).map((channel, index) =>
      desiredChannel(channel, keysOfChannels[index], {
        texts: textsOfChannels[index],
        seal: parts.secrets.sealChannelKey,
      }),
    ),
    options: Object.entries(content.options ?? {}).map(([key, value]) => ({ key, value })),
  }
  const generatedKeys = (content.apiKeys ?? []).flatMap(({ user, name }, index): readonly GeneratedKey[] => {
    const made = keysOfUsers[index]
    return made?.isGenerated ? [{ user, name, key: made.key }] : []
  })
  const placeMessage = (message: string) => {
    const path = leadingPath(message)
    const { line, column } = source.locate(path)
    return path.length === 0 ? message : `${parts.fileName}:${line}:${column} ${message}`
  }
  const warnings = [...findIdle(desired), ...findBypassed(desired.channels)]
  return { kind: 'state', desired, generatedKeys, warnings, placeMessage }
}

function findHomelessChannels(
  content: FileContent,
  existing: ExistingNames,
  source: YamlSource,
): readonly FileIssue[] {
  return (content.channels ?? []).flatMap(({ name, provider, baseUrl }, index): readonly FileIssue[] => {
    if (baseUrl !== undefined || provider.baseUrl !== undefined || existing.channels.has(name)) return []
    const path = ['channels', index, 'baseUrl']
    return [
      {
        ...source.locate(path),
        path: formatPath(path),
        found: 'nothing',
        allowed: `an address: ${provider.id} has no default`,
      },
    ]
  })
}

/** `channels:` with every item commented out is a section that names nothing. */
function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
}

function byPosition(left: FileIssue, right: FileIssue): number {
  return left.line - right.line || left.column - right.column
}

function refuse(issues: readonly FileIssue[]): Refusal {
  return { kind: 'issues', issues }
}
