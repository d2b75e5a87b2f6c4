/**
 * What a declarative file asks for, checked and resolved: environment and file references are read, secrets are sealed.
 * A member that is `undefined` was not named: it is left alone on an existing object and has its default on a new one.
 */
export interface DesiredState {
  /** Identity of the file for `--prune`: its absolute path, or `stdin`. */
  readonly source: string
  readonly groups: readonly DesiredGroup[]
  readonly prices: readonly DesiredPrice[]
  readonly users: readonly DesiredUser[]
  readonly apiKeys: readonly DesiredApiKey[]
  readonly channels: readonly DesiredChannel[]
  readonly options: readonly DesiredOption[]
}

export interface DesiredGroup {
  readonly name: string
  readonly ratio: string
  readonly description: string | undefined
}

export interface DesiredPrice {
  readonly pattern: string
  /** Decimal strings by item, keys sorted: `{ input: "2.50", output: "10" }`. */
  readonly rates: Readonly<Record<string, string>>
}

export interface DesiredUser {
  readonly username: string
  readonly role: 'user' | 'admin' | 'root' | undefined
  readonly group: string | undefined
  /** Applies at creation only. Nano-dollars; `unlimited` makes the account tracked. Root's default is `unlimited`. */
  readonly balance: bigint | 'unlimited' | undefined
  /** argon2id PHC string; applies at creation only. */
  readonly passwordHash: string | undefined
}

export interface DesiredApiKey {
  readonly user: string
  readonly name: string
  /** The key of the file, or of one freshly made for the case that none of this name exists. */
  readonly secret: { readonly hash: string; readonly hint: string; readonly isGenerated: boolean }
  readonly models: readonly string[] | undefined
  readonly denyModels: readonly string[] | undefined
  readonly endpoints: readonly string[] | undefined
  readonly bodyLogging: boolean | undefined
  readonly group: string | undefined
  readonly limit: bigint | undefined
  readonly expiresAt: number | undefined
  readonly allowIps: readonly string[] | undefined
  readonly rateLimit: Readonly<Record<string, number>> | undefined
  readonly enabled: boolean | undefined
}

export interface DesiredChannel {
  readonly name: string
  readonly provider: string
  readonly baseUrl: string | undefined
  readonly keys: readonly SealedText[] | undefined
  readonly keyMode: 'random' | 'polling' | undefined
  readonly models: readonly string[] | undefined
  readonly groups: readonly string[] | undefined
  readonly priority: number | undefined
  readonly weight: number | undefined
  readonly modelMapping: Readonly<Record<string, string>> | undefined
  readonly statusCodeMapping: Readonly<Record<string, number | string>> | undefined
  readonly paramOverride: Readonly<Record<string, unknown>> | undefined
  readonly headerOverride: Readonly<Record<string, string | SealedText>> | undefined
  readonly settings: Readonly<Record<string, unknown>> | undefined
  readonly dialect: string | undefined
  readonly enabled: boolean | undefined
}

/** A secret in a setting, as the store keeps it. Sealed twice, one text has two seals and one fingerprint. */
export interface SealedText {
  readonly sealed: string
  readonly fingerprint: string
}

export interface DesiredOption {
  readonly key: string
  readonly value: unknown
}

/** One line of what an `apply` did or, dry, would do. */
export interface StateChange {
  readonly action: 'create' | 'update' | 'remove'
  readonly kind: 'group' | 'price' | 'user' | 'apiKey' | 'channel' | 'option'
  readonly name: string
  /** Members that change, without secrets: `{ weight: [1, 2] }`. */
  readonly fields: Readonly<Record<string, readonly [before: unknown, after: unknown]>>
}
