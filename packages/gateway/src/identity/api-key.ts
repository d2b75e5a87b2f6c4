import { hash, randomInt } from 'node:crypto'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const length = 48

/** A new API key: `sk-` and 48 characters `[A-Za-z0-9]`, 285 bits of chance. */
export function makeApiKey(): string {
  return `sk-${Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')}`
}

/**
 * SHA-256 of the whole key as the client sends it, hex. Keys have too much chance in them to need a slow
 * hash.
 */
export function hashApiKey(key: string): string {
  return hash('sha256', key, 'hex')
}

/**
 * What people recognise a key by: `sk-…4f2a`. A key that does not begin with `sk-` shows its last four
 * characters alone.
 */
export function hintOf(key: string): string {
  return `${key.startsWith('sk-') ? 'sk-' : ''}…${key.slice(-4)}`
}

export interface PinnedKey {
  readonly key: string
  readonly channelId: number
}

/**
 * `<key>-<channel id>`, as administrators name a channel behind their key; `undefined` for what is none. To be asked last: imported
 * keys may hold dashes.
 */
export function splitPinned(shown: string): PinnedKey | undefined {
  const [, key, id] = /^(.+)-(\d{1,15})$/.exec(shown) ?? []
  return key === undefined ? undefined : { key, channelId: Number(id) }
}
