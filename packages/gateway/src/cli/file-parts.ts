import { readFile } from 'node:fs/promises'
import { createSealer, loadSealingSecret } from '#catalog'
import type { Environment } from '#config'
import { hashApiKey, hashPassword, hintOf, makeApiKey } from '#identity'
import type { Store } from '#store'

/** What reading a declarative file needs of this installation. */
export function filePartsOf(environment: Environment, store: () => Promise<Store>) {
  const sealer = createSealer(loadSealingSecret(environment))
  return {
    readFile: (path: string) => readFile(path, 'utf8'),
    existing: async () => {
      const db = await (await store()).kysely()
      const users = await db.selectFrom('users').select('username').execute()
      const channels = await db.selectFrom('channels').select('name').execute()
      return {
        usernames: new Set(users.map(row => row.username)),
        channels: new Set(channels.map(row => row.name)),
      }
    },
    secrets: {
      sealChannelKey: (key: string) => ({
        sealed: sealer.seal(key, 'channel-key'),
        fingerprint: sealer.fingerprint(key),
      }),
      hashPassword,
      makeApiKey,
      hashKey: hashApiKey,
      hintOf,
    },
  }
}
