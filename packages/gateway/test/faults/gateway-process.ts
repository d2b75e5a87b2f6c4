import { readdirSync, readFileSync } from 'node:fs'

/** The process of the gateway whose data folder this is: the harness keeps it to itself. Linux only. */
export function findProcess(dataDir: string): number {
  const found = readdirSync('/proc').find(
    entry => /^\d+$/.test(entry) && environmentOf(entry).includes(`YUMEN_DATA_DIR=${dataDir}\0`),
  )
  if (found === undefined) throw new Error('the gateway is gone')
  return Number(found)
}

function environmentOf(process: string): string {
  try {
    return readFileSync(`/proc/${process}/environ`, 'latin1')
  } catch (error) {
    // It ended meanwhile, or is another user's.
    if (error instanceof Error && 'code' in error) return ''
    throw error
  }
}
