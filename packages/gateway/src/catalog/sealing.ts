import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scryptSync } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../make-folder.ts'

/** What a sealed value is for. It is bound into the seal: a value of one purpose does not open as another. */
type SealPurpose = 'channel-key'

/** Seals secrets for the store and opens them again. */
export interface Sealer {
  /** AES-256-GCM: `v1.<nonce>.<ciphertext+tag>`, base64url. Two seals of one text differ. */
  seal(text: string, purpose: SealPurpose): string
  /**
   * Throws `SealError` when the value was sealed with another secret or for another purpose, or was changed.
   */
  open(sealed: string, purpose: SealPurpose): string
  /**
   * 16 hex digits of a keyed hash: equal secrets have equal fingerprints, nothing else can be told from it.
   */
  fingerprint(secret: string): string
}

export class SealError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SealError'
  }
}

export interface SealingSecret {
  readonly bytes: Buffer
  /** `CRYPTO_SECRET`, or the path of the key file: for messages. */
  readonly origin: string
  /** What to try when a value does not open. */
  readonly advice: string
}

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** 16 MiB and some 40 ms, once a start: people type CRYPTO_SECRET by hand. */
const scryptCost = { N: 16_384, r: 8, p: 1 } as const
/** Fixed, because every node must derive the same key from CRYPTO_SECRET alone. */
const scryptSalt = 'yumen/sealing/v1'

/**
 * The secret of this installation: CRYPTO_SECRET stretched by scrypt, else `<dataDir>/secret.key`, 32 random
 * bytes in hex that are made, mode 0600, when there is no such file. Throws `SealError` when the file can be
 * read by others or is not a key.
 */
export function loadSealingSecret({
  cryptoSecret,
  dataDir,
}: {
  readonly cryptoSecret: string | undefined
  readonly dataDir: string
}): SealingSecret {
  const path = join(dataDir, 'secret.key')
  if (cryptoSecret !== undefined) {
    return {
      bytes: scryptSync(cryptoSecret, scryptSalt, keyBytes, scryptCost),
      origin: 'CRYPTO_SECRET',
      advice: `set CRYPTO_SECRET to what it was when the key was stored, or unset it if that was ${path}`,
    }
  }
  return {
    bytes: readKeyFile(path) ?? makeKeyFile(path, dataDir),
    origin: path,
    advice: `put back the ${path} of that time, or set CRYPTO_SECRET if it was set then`,
  }
}

/** Encryption and fingerprints use keys of their own, derived from the secret by HKDF. */
export function createSealer(secret: SealingSecret): Sealer {
  const sealKey = deriveKey(secret.bytes, 'seal')
  const fingerprintKey = deriveKey(secret.bytes, 'fingerprint')
  return {
    seal: (text, purpose) => seal(sealKey, text, purpose),
    open: (sealed, purpose) => open(sealKey, sealed, purpose, secret),
    fingerprint: text => createHmac('sha256', fingerprintKey).update(text).digest('hex').slice(0, 16),
  }
}

function seal(key: Buffer, text: string, purpose: SealPurpose): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(
    Buffer.from(purpose),
  )
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `v1.${nonce.toString('base64url')}.${body.toString('base64url')}`
}

function open(key: Buffer, sealed: string, purpose: SealPurpose, { origin, advice }: SealingSecret): string {
  const [version, nonceText = '', bodyText = '', ...rest] = sealed.split('.')
  const nonce = Buffer.from(nonceText, 'base64url')
  const body = Buffer.from(bodyText, 'base64url')
  if (version !== 'v1' || rest.length > 0 || nonce.length !== nonceBytes || body.length < tagBytes) {
    throw new SealError(
      'a sealed value has another form than v1.<nonce>.<text>: it was changed, or a newer Yumen wrote it',
    )
  }
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(purpose))
    .setAuthTag(body.subarray(-tagBytes))
  try {
    return decipher.update(body.subarray(0, -tagBytes), undefined, 'utf8') + decipher.final('utf8')
  } catch (error) {
    // node:crypto gives no code for a wrong tag; nothing else can fail here
    throw new SealError(`a sealed value does not open with the secret of ${origin}: ${advice}`, {
      cause: error,
    })
  }
}

function deriveKey(secret: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `yumen/${use}`, keyBytes))
}

function readKeyFile(path: string): Buffer | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
  try {
    const mode = fstatSync(file).mode & 0o777
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new SealError(
        `${path} has mode ${mode.toString(8)}, so others may read it: run chmod 600 ${path}`,
      )
    }
    const text = readFileSync(file, 'utf8').trim()
    if (!/^[0-9a-f]{64}$/.test(text))
      throw new SealError(`${path} is not a key of 64 hex digits: put back the right file`)
    return Buffer.from(text, 'hex')
  } finally {
    closeSync(file)
  }
}

/**
 * Written and synced under a name of its own, then linked to its place: of two first starts one wins, and
 * nobody ever reads half a key.
 */
function makeKeyFile(path: string, dataDir: string): Buffer {
  makeFolder(dataDir)
  const bytes = randomBytes(keyBytes)
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${bytes.toString('hex')}\n`)
    fsyncSync(file)
    linkSync(draft, path)
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
    return readKeyFile(path) ?? bytes
  } finally {
    closeSync(file)
    unlinkSync(draft)
  }
  return bytes
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
