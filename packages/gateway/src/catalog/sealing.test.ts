import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSealer, loadSealingSecret } from './sealing.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'yumen-sealing-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

const sealerOf = (cryptoSecret: string | undefined) =>
  createSealer(loadSealingSecret({ cryptoSecret, dataDir }))

test('what was sealed opens again, after a restart too', () => {
  const sealed = sealerOf('first secret').seal('sk-canary 玉门', 'channel-key')
  expect(sealed).toMatch(/^v1\.[\w-]{16}\.[\w-]+$/)
  expect(sealerOf('first secret').open(sealed, 'channel-key')).toBe('sk-canary 玉门')
})

test('two seals of one text differ, its fingerprint does not', () => {
  const sealer = sealerOf('first secret')
  expect(sealer.seal('same', 'channel-key')).not.toBe(sealer.seal('same', 'channel-key'))
  expect(sealer.fingerprint('same')).toMatch(/^[0-9a-f]{16}$/)
  expect(sealer.fingerprint('same')).toBe(sealerOf('first secret').fingerprint('same'))
  expect(sealer.fingerprint('same')).not.toBe(sealerOf('other secret').fingerprint('same'))
})

test('another secret does not open it, and the error names the secret to put back', () => {
  const sealed = sealerOf('first secret').seal('sk-canary', 'channel-key')
  expect(() => sealerOf('other secret').open(sealed, 'channel-key')).toThrow(
    /secret of CRYPTO_SECRET: set CRYPTO_SECRET to what/,
  )
  expect(() => sealerOf(undefined).open(sealed, 'channel-key')).toThrow(
    /secret\.key: put back .* or set CRYPTO_SECRET/,
  )
})

test('no single changed character of a sealed value is let through', () => {
  const sealer = sealerOf('first secret')
  const sealed = sealer.seal('sk-canary', 'channel-key')
  for (let at = 0; at < sealed.length - 1; at++) {
    const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`
    expect(() => sealer.open(changed, 'channel-key')).toThrow(/sealed value/)
  }
})

test('without CRYPTO_SECRET the first start makes a key file that only its owner can read', () => {
  const sealed = sealerOf(undefined).seal('text', 'channel-key')
  const path = join(dataDir, 'secret.key')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
  expect(readdirSync(dataDir)).toEqual(['secret.key'])
  expect(sealerOf(undefined).open(sealed, 'channel-key')).toBe('text')
})

test('a key file that others can read is refused with the command that mends it', () => {
  sealerOf(undefined)
  chmodSync(join(dataDir, 'secret.key'), 0o644)
  expect(() => sealerOf(undefined)).toThrow(/mode 644, so others may read it: run chmod 600/)
})
