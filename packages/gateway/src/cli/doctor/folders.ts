import { accessSync, constants, readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Environment, limits } from '#config'
import { type Check, codeOf, fail, ok, warn } from './check.ts'

export function checkDataFolder({ dataDir }: Environment): Check {
  const mode = modeOf(dataDir)
  if (mode === undefined)
    return ok('data folder', `${dataDir} is not there yet: it is made at the first start`)
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    return fail(
      'data folder',
      `${dataDir} cannot be used (${codeOf(error)})`,
      `give it to the user that runs Yumen: chown -R USER ${dataDir}`,
    )
  }
  if ((mode & 0o007) === 0) return ok('data folder', dataDir)
  return warn('data folder', `${dataDir} can be read by everybody`, `chmod 700 ${dataDir}`)
}

export function checkSecret({ cryptoSecret, dataDir }: Environment): Check {
  if (cryptoSecret !== undefined) {
    if (cryptoSecret.length >= 16) return ok('secret', 'CRYPTO_SECRET')
    return warn(
      'secret',
      `CRYPTO_SECRET has ${cryptoSecret.length} characters`,
      'use a long random one from the start: openssl rand -hex 32',
    )
  }
  const path = join(dataDir, 'secret.key')
  const mode = modeOf(path)
  if (mode === undefined) return ok('secret', `${path} is not there yet: it is made when it is needed`)
  if ((mode & 0o077) === 0)
    return ok('secret', `${path}; keep a copy of it apart from the backups of the database`)
  return fail('secret', `${path} has mode ${mode.toString(8)}, so others may read it`, `chmod 600 ${path}`)
}

/** Each node has a folder of its own; one that no process holds is adopted by whoever starts next. */
export function checkJournals({ journalDir, dataDir }: Environment): Check {
  const nodes =
    modeOf(journalDir) === undefined
      ? []
      : readdirSync(journalDir, { withFileTypes: true }).filter(entry => entry.isDirectory())
  const bytes = nodes.reduce((sum, node) => sum + bytesIn(join(journalDir, node.name)), 0)
  const free = freeBytes([journalDir, dataDir])
  const used = `${mebibytes(bytes)} of ${mebibytes(limits.journalBytesMax)} used`
  const found = `${nodes.length} journal folders, ${used}, ${mebibytes(free)} free on the disk`
  if (free < 64 * 1024 * 1024)
    return fail('journal', found, 'make room: without a journal no request is answered')
  if (free < limits.journalBytesMax)
    return warn('journal', found, "the disk fills before the journal's own limit does: make room")
  if (bytes > limits.journalBytesMax / 2)
    return warn('journal', found, 'the store does not keep up or is away: look at its check')
  return ok('journal', found)
}

function modeOf(path: string): number | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  return mode === undefined ? undefined : mode & 0o777
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

function freeBytes(folders: readonly string[]): number {
  const folder = folders.find(path => modeOf(path) !== undefined) ?? '.'
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024)} MiB`
}
