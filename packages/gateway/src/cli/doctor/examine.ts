import { ConfigError, type Environment, processEnvironment, readEnvironment } from '#config'
import { type Check, fail } from './check.ts'
import { checkDataFolder, checkJournals, checkSecret } from './folders.ts'
import { checkEnvironment, checkOpenFiles, checkPort, checkRuntime } from './process.ts'
import { checkRedis } from './redis.ts'
import { checkStore } from './store.ts'

export type { Check } from './check.ts'

/** Looks at everything that a gateway of this environment needs. Changes nothing, and makes no database. */
export async function examine(): Promise<readonly Check[]> {
  const environment = tryEnvironment()
  if (!('port' in environment)) return [checkRuntime(), environment]
  return [
    checkRuntime(),
    ...checkEnvironment(processEnvironment()),
    checkDataFolder(environment),
    checkSecret(environment),
    ...(await checkStore(environment)),
    ...(await checkRedis(environment)),
    checkJournals(environment),
    await checkPort(environment),
    checkOpenFiles(),
  ]
}

function tryEnvironment(): Environment | Check {
  try {
    return readEnvironment()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return fail(
      'environment',
      error.message.replaceAll('\n', '; '),
      'correct these variables: nothing starts before',
    )
  }
}
