import { resolve } from 'node:path'
import type { DesiredApiKey, DesiredChannel, DesiredState, DesiredUser } from './desired-state.ts'
import type { EnvironmentSource } from './env.ts'
import { limits } from './limits.ts'
import { decimalPaths, type FileContent, fileSchema } from './schema.ts'
import { issuesOfZod } from './schema-issues.ts'
import { createSecretReader, type ReadFile, type SecretReader } from './secret-reader.ts'
import {
  type FileIssue,
  formatFileIssue,
  formatPath,
  leadingPath,
  parseYaml,
  type YamlSource,
} from './yaml-source.ts'

/** What of the store decides whether something is new: a new user's password is hashed, a new channel needs an address. */
export interface ExistingNames {
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

/** What the file needs of identity and catalogue. */
export interface SecretMakers {
  readonly sealChannelKey: (key: string) => { readonly sealed: string; readonly fingerprint: string }
  readonly hashPassword: (password: string) => Promise<string>
  readonly makeApiKey: () => string
  readonly hashKey: (key: string) => string
  readonly hintOf: (key: string) => string
}

/** A key that was made because the file names none. It counts only when the store says that it created the API key. */
export interface GeneratedKey {
  readonly user: string
  readonly name: string
  readonly key: string
}

export interface FileState {
  readonly kind: 'state'
  readonly desired: DesiredState
  readonly generatedKeys: readonly GeneratedKey[]
  /** A message of the store that begins with a path of the file (`apiKeys[0].user: …`), with file, line and column before it. */
  readonly placeMessage: (message: string) => string
}

export type FileReading = FileState | { readonly kind: 'issues'; readonly issues: readonly ToldIssue[] }

/** `text`: the whole line for a terminal, `file.yaml:12:5 channels[0].provider: found "foo", allowed: openai, azure`. */
export interface ToldIssue extends FileIssue {
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
  const passwords = await readPasswords(content, secrets)
  if (secrets.issues.length > 0) return refuse(secrets.issues)
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
    users: await desiredUsers({ content, existing, passwords, hashPassword: parts.secrets.hashPassword }),
    apiKeys: (content.apiKeys ?? []).map((key, index) =>
      desiredApiKey(key, keysOfUsers[index], parts.secrets),
    ),
    channels: (content.channels ?? []).map((channel, index) =>
      desiredChannel(channel, keysOfChannels[index]),
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
  return { kind: 'state', desired, generatedKeys, placeMessage }
}

type ApiKeyContent = NonNullable<FileContent['apiKeys']>[number]
type ChannelContent = NonNullable<FileContent['channels']>[number]
type UserKey = { readonly key: string; readonly isGenerated: boolean }
type ChannelKeys = NonNullable<DesiredChannel['keys']>

/** In the order of the file. Two API keys may not be the same secret. */
async function readApiKeys(
  content: FileContent,
  secrets: SecretReader,
  { makeApiKey, hashKey }: SecretMakers,
) {
  const keys: UserKey[] = []
  const seen = new Set<string>()
  for (const [index, { key }] of (content.apiKeys ?? []).entries()) {
    const path = ['apiKeys', index, 'key']
    const text = key === undefined ? makeApiKey() : ((await secrets.read(key, path, apiKeyRule)) ?? '')
    const hash = hashKey(text)
    if (text !== '' && seen.has(hash)) secrets.refuse(path, 'the key of another API key', 'a key of its own')
    seen.add(hash)
    keys.push({ key: text, isGenerated: key === undefined })
  }
  return keys
}

async function readChannelKeys(
  content: FileContent,
  secrets: SecretReader,
  { sealChannelKey }: SecretMakers,
) {
  const all: (ChannelKeys | undefined)[] = []
  for (const [index, { keys }] of (content.channels ?? []).entries()) {
    const sealed: ChannelKeys[number][] = []
    for (const [position, key] of (keys ?? []).entries()) {
      const text = await secrets.read(key, ['channels', index, 'keys', position], channelKeyRule)
      if (text !== undefined) sealed.push(sealChannelKey(text))
    }
    all.push(keys && sealed)
  }
  return all
}

async function readPasswords(
  content: FileContent,
  secrets: SecretReader,
): Promise<ReadonlyMap<string, string>> {
  const passwords = new Map<string, string>()
  for (const [index, { username, password }] of (content.users ?? []).entries()) {
    const text = password && (await secrets.read(password, ['users', index, 'password'], passwordRule))
    if (text !== undefined) passwords.set(username, text)
  }
  return passwords
}

/** Printable ASCII: it must fit into a header. New keys are `sk-` and 48 letters and digits; imported ones may be shorter. */
const apiKeyRule = {
  fits: (key: string) => /^[\x21-\x7e]{16,512}$/.test(key),
  allowed: 'sk- and at least 20 letters and digits, or another key of 16 to 512 visible characters',
}
const channelKeyRule = {
  fits: (key: string) => key.length <= 65_536,
  allowed: 'a key of at most 65536 characters',
}
const passwordRule = {
  fits: (password: string) => password.length >= 8 && password.length <= 128,
  allowed: 'a password of 8 to 128 characters',
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

interface UserParts {
  readonly content: FileContent
  readonly existing: ExistingNames
  readonly passwords: ReadonlyMap<string, string>
  readonly hashPassword: SecretMakers['hashPassword']
}

/** Passwords apply at creation only, and hashing takes 19 MiB and a moment: one after the other, for new users only. */
async function desiredUsers({
  content,
  existing,
  passwords,
  hashPassword,
}: UserParts): Promise<readonly DesiredUser[]> {
  const users: DesiredUser[] = []
  for (const { username, role, group, balance } of content.users ?? []) {
    const password = existing.usernames.has(username) ? undefined : passwords.get(username)
    const passwordHash = password === undefined ? undefined : await hashPassword(password)
    users.push({ username, role, group, balance, passwordHash })
  }
  return users
}

function desiredApiKey(
  content: ApiKeyContent,
  made: UserKey | undefined,
  makers: SecretMakers,
): DesiredApiKey {
  const { key, isGenerated } = made ?? { key: makers.makeApiKey(), isGenerated: true }
  const { rateLimit } = content
  return {
    user: content.user,
    name: content.name,
    secret: { hash: makers.hashKey(key), hint: makers.hintOf(key), isGenerated },
    models: content.models,
    denyModels: content.denyModels,
    endpoints: content.endpoints,
    bodyLogging: content.bodyLogging,
    group: content.group,
    limit: content.limit,
    expiresAt: content.expiresAt,
    allowIps: content.allowIps,
    rateLimit: rateLimit && definedMembers(rateLimit),
    enabled: content.enabled,
  }
}

function desiredChannel(content: ChannelContent, keys: ChannelKeys | undefined): DesiredChannel {
  return {
    name: content.name,
    provider: content.provider.id,
    baseUrl: content.baseUrl,
    keys,
    keyMode: content.keyMode,
    models: content.models,
    groups: content.groups,
    priority: content.priority,
    weight: content.weight,
    modelMapping: content.modelMapping,
    statusCodeMapping: content.statusCodeMapping,
    paramOverride: content.paramOverride,
    headerOverride: content.headerOverride,
    settings: content.settings && definedMembers(content.settings),
    dialect: content.dialect,
    enabled: content.enabled,
  }
}

function sortedRates(rates: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const entries = Object.entries(definedMembers(rates))
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)))
}

function definedMembers<Value>(
  members: Readonly<Record<string, Value | undefined>>,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** `channels:` with every item commented out is a section that names nothing. */
function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
}

function refuse(issues: readonly FileIssue[]): Refusal {
  return { kind: 'issues', issues }
}
