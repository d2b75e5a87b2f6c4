import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder } from '../make-folder.ts'

/** One node's folder, held for as long as its process lives: the lock goes with the process, however it ends. */
export interface HeldFolder {
  readonly node: string
  readonly path: string
  /** Lets go of the lock; the folder stays. */
  release(): void
  /** Removes the segments: all of them are committed. Comes before the store forgets the node, so that a journal of a node that the store does not know is one whose store was put back to an older day. */
  clear(): void
  /** Removes the folder, then lets go. */
  remove(): void
}

const lockName = 'lock'
const segmentSuffix = '.journal'
/** A node's id is a ULID. */
const nodeName = /^[0-9A-Z]{26}$/

/** Makes the folder of a new node and takes its lock. */
export function createFolder(journalDir: string, node: string): HeldFolder {
  makeFolder(join(journalDir, node))
  const held = holdFolder(journalDir, node)
  if (held === undefined)
    throw new Error(`the journal folder of the new node ${node} is held by another process`)
  return held
}

/** Takes the lock of a folder, or `undefined` while a living process has it. An exclusive lock of SQLite: the kernel frees it. */
export function holdFolder(journalDir: string, node: string): HeldFolder | undefined {
  const path = join(journalDir, node)
  const database = lock(path)
  if (database === undefined) return undefined
  return {
    node,
    path,
    release: () => database.close(),
    clear() {
      for (const segment of listSegments(path)) rmSync(segment, { force: true })
    },
    remove() {
      rmSync(path, { recursive: true, force: true })
      database.close()
    },
  }
}

/** `undefined` while somebody else has the folder, or when he adopted and removed it meanwhile. */
function lock(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(path, lockName), { timeout: 0 })
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    if (existsSync(path)) return database
  } catch (error) {
    if (!isBusy(error) && existsSync(path)) throw error
  }
  database?.close()
  return undefined
}

/** Folders that a node may have made, by their names: whatever else lies beside them is never touched. */
export function listNodes(journalDir: string): string[] {
  makeFolder(journalDir)
  return readdirSync(journalDir, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && nodeName.test(entry.name))
    .map(entry => entry.name)
    .sort()
}

/** Paths of a folder's segments, oldest first. */
export function listSegments(path: string): string[] {
  return readdirSync(path)
    .filter(name => name.endsWith(segmentSuffix))
    .sort()
    .map(name => join(path, name))
}

export function segmentPath(path: string, firstSeq: number): string {
  return join(path, `${String(firstSeq).padStart(16, '0')}${segmentSuffix}`)
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}
