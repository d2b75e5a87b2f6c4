import { hasUserinfo, isCredentialHeader } from '../credentials.ts'
import type { DesiredApiKey, DesiredChannel, DesiredUser } from '../desired-state.ts'
import { definedMembers } from '../members.ts'
import type { ChannelKeys, ChannelTexts, SecretMakers, UserKey } from './file-secrets.ts'
import type { FileContent } from './schema.ts'

type ApiKeyContent = NonNullable<FileContent['apiKeys']>[number]
type ChannelContent = NonNullable<FileContent['channels']>[number]

interface UserParts {
  readonly content: FileContent
  readonly existingUsernames: ReadonlySet<string>
  readonly passwords: ReadonlyMap<string, string>
  readonly hashPassword: SecretMakers['hashPassword']
}

/**
 * Passwords apply at creation only, and hashing takes 19 MiB and a moment: one after the other, for new users
 * only.
 */
export async function desiredUsers({
  content,
  existingUsernames,
  passwords,
  hashPassword,
}: UserParts): Promise<readonly DesiredUser[]> {
  const users: DesiredUser[] = []
  for (const { username, role, group, balance } of content.users ?? []) {
    const password = existingUsernames.has(username) ? undefined : passwords.get(username)
    const passwordHash = password === undefined ? undefined : await hashPassword(password)
    users.push({ username, role, group, balance, passwordHash })
  }
  return users
}

export function desiredApiKey(
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

export function desiredChannel(
  content: ChannelContent,
  keys: ChannelKeys | undefined,
  {
    texts,
    seal,
  }: { readonly texts: ChannelTexts | undefined; readonly seal: SecretMakers['sealChannelKey'] },
): DesiredChannel {
  const proxy = texts?.proxy
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
    headerOverride: texts?.headerOverride && sealHeaders(texts.headerOverride, seal),
    settings:
      content.settings &&
      definedMembers<unknown>({
        ...content.settings,
        proxy: proxy !== undefined && hasUserinfo(proxy) ? seal(proxy) : proxy,
      }),
    dialect: content.dialect,
    enabled: content.enabled,
  }
}

/** What is a credential by its header's name is sealed as the keys are. */
function sealHeaders(
  headers: Readonly<Record<string, string>>,
  seal: SecretMakers['sealChannelKey'],
): NonNullable<DesiredChannel['headerOverride']> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value !== '' && isCredentialHeader(name) ? seal(value) : value,
    ]),
  )
}

/** Keys sorted: equal prices have equal texts. */
export function sortedRates(
  rates: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(definedMembers(rates))
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)))
}
