import { expect, test } from 'vitest'
import { hashPassword, verifyPassword } from './password.ts'

test('a password is verified by its own hash and by no other', async () => {
  const phc = await hashPassword('correct-horse')
  expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(await verifyPassword('correct-horse', phc)).toBe(true)
  expect(await verifyPassword('correct-horsf', phc)).toBe(false)
})

test('one password in two Unicode forms is the same password', async () => {
  const phc = await hashPassword('caf\u00e9-stra\u00dfe')
  expect(await verifyPassword('cafe\u0301-stra\u00dfe', phc)).toBe(true)
})

test("a hash with other parameters, here one of Argon2's own tests, is verified by them", async () => {
  const phc = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  expect(await verifyPassword('password', phc)).toBe(true)
})

test.each([
  { says: 'no stored hash', phc: undefined },
  { says: 'a text that is no hash', phc: 'secret' },
  {
    says: 'a hash that asks for no memory',
    phc: `$argon2id$v=19$m=0,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
  },
  {
    says: 'a hash that asks for more memory than allowed',
    phc: `$argon2id$v=19$m=9999999,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
  },
])('$says verifies nothing', async ({ phc }) => {
  expect(await verifyPassword('secret', phc)).toBe(false)
  expect(await verifyPassword('', phc)).toBe(false)
})

test('an empty or endless password is not hashed', async () => {
  await expect(hashPassword('')).rejects.toThrow(RangeError)
  await expect(hashPassword('x'.repeat(129))).rejects.toThrow(RangeError)
})
