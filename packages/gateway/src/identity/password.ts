import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(argon2)

/**
 * OWASP's minimum for Argon2id: 19 MiB, two passes, one lane. Stored in each hash, so they can be raised
 * later.
 */
const cost = { memoryKiB: 19_456, passes: 2, parallelism: 1 } as const
const saltBytes = 16
const tagBytes = 32
/** What a stored hash may ask for at most: a changed row must not take the machine's memory. */
const costMax = { memoryKiB: 262_144, passes: 16, parallelism: 4 } as const
/** In characters (code points) after NFC. */
const passwordLengthMax = 128

interface Hash {
  readonly memoryKiB: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: Buffer
  readonly tag: Buffer
}

/**
 * A PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. Throws `RangeError` for an empty or too long
 * password.
 */
export async function hashPassword(password: string): Promise<string> {
  const text = normalise(password)
  if (text === undefined) throw new RangeError(`a password has 1 to ${passwordLengthMax} characters`)
  const salt = randomBytes(saltBytes)
  const tag = await deriveTag(text, { ...cost, salt, tag: Buffer.alloc(tagBytes) })
  const { memoryKiB, passes, parallelism } = cost
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`
}

/**
 * Whether `password` is the one of `phc`. Without a stored hash (no such user, no password set) the same work
 * is done in vain, so that time tells nothing.
 */
export async function verifyPassword(password: string, phc: string | undefined): Promise<boolean> {
  const stored = phc === undefined ? undefined : parseHash(phc)
  const text = normalise(password)
  const against = stored ?? { ...cost, salt: Buffer.alloc(saltBytes), tag: Buffer.alloc(tagBytes) }
  const tag = await deriveTag(text ?? '', against)
  return timingSafeEqual(tag, against.tag) && stored !== undefined && text !== undefined
}

/**
 * Any Unicode, in NFC, so that one password typed on two systems is the same. `undefined`: not a length we
 * take.
 */
function normalise(password: string): string | undefined {
  if (password.length > 4 * passwordLengthMax) return undefined
  const text = password.normalize('NFC')
  const characters = [...text].length
  return characters >= 1 && characters <= passwordLengthMax ? text : undefined
}

function deriveTag(password: string, { memoryKiB, passes, parallelism, salt, tag }: Hash): Promise<Buffer> {
  return derive('argon2id', {
    message: password,
    nonce: salt,
    memory: memoryKiB,
    passes,
    parallelism,
    tagLength: tag.length,
  })
}

function parseHash(phc: string): Hash | undefined {
  const form =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/
  const found = form.exec(phc)
  if (found === null) return undefined
  const [, memory, passes, parallelism, salt = '', tag = ''] = found
  const hash = {
    memoryKiB: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
  const isBounded =
    hash.passes >= 1 &&
    hash.parallelism >= 1 &&
    hash.memoryKiB >= 8 * hash.parallelism &&
    hash.memoryKiB <= costMax.memoryKiB &&
    hash.passes <= costMax.passes &&
    hash.parallelism <= costMax.parallelism
  return isBounded ? hash : undefined
}

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
