import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createSealer, loadSealingSecret, SealError } from '#catalog'
import type { Environment } from '#config'
import type { Store } from '#store'
import { type Check, fail, ok } from './check.ts'

/** Opens the first key of each channel: a wrong secret leaves channels without keys, and their models get 503. */
export async function checkSeals(store: Store, environment: Environment): Promise<Check> {
  const keys = await (await store.kysely())
    .selectFrom('channel_keys')
    .innerJoin('channels', 'channels.id', 'channel_keys.channel_id')
    .select(['channels.name', 'channel_keys.sealed'])
    .where('channel_keys.position', '=', 0)
    .orderBy('channels.id')
    .execute()
  if (keys.length === 0) return ok('channel keys', 'none')
  const keyFile = join(environment.dataDir, 'secret.key')
  if (environment.cryptoSecret === undefined && !existsSync(keyFile)) {
    return fail('channel keys', `sealed with a secret that is not here: ${keyFile}`, missingAdvice)
  }
  const refusals = findRefusals(keys, environment)
  const first = refusals[0]
  if (first === undefined) return ok('channel keys', `those of ${keys.length} channels open`)
  const names = refusals.slice(0, namesMax).map(({ name }) => name)
  const more = refusals.length > namesMax ? ` and ${refusals.length - namesMax} more` : ''
  return fail(
    'channel keys',
    `of ${names.join(', ')}${more}: ${first.why}`,
    'restart with the right secret, or set the keys again by yumen apply',
  )
}

const namesMax = 5
const missingAdvice = 'put back the secret.key of this installation, or set CRYPTO_SECRET if it was set then'

interface SealedKey {
  readonly name: string
  readonly sealed: string
}

function findRefusals(keys: readonly SealedKey[], environment: Environment) {
  const sealer = tryOpen(() => createSealer(loadSealingSecret(environment)))
  return keys.flatMap(({ name, sealed }) => {
    const opened = typeof sealer === 'string' ? sealer : tryOpen(() => [sealer.open(sealed, 'channel-key')])
    return typeof opened === 'string' ? [{ name, why: opened }] : []
  })
}

/** The value, or why there is none. */
function tryOpen<Value extends object>(open: () => Value): Value | string {
  try {
    return open()
  } catch (error) {
    if (error instanceof SealError) return error.message
    throw error
  }
}
