import { expect, test } from 'vitest'
import { createPerAddress } from './per-address.ts'

const open = () =>
  createPerAddress({
    max: () => 2,
    isExempt: address => address === '10.0.0.1' || address === '::ffff:10.0.0.1',
  })

test.each([
  {
    says: 'one address has so many connections',
    addresses: ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    isIn: false,
  },
  { says: 'another address has its own', addresses: ['192.0.2.1', '192.0.2.1', '192.0.2.2'], isIn: true },
  {
    says: 'IPv4 written as IPv6 is the same',
    addresses: ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1'],
    isIn: false,
  },
  {
    says: 'a /64 of IPv6 is one client',
    addresses: ['2001:db8::1', '2001:db8::2', '2001:db8::3'],
    isIn: false,
  },
  {
    says: 'the next /64 is another',
    addresses: ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'],
    isIn: true,
  },
  { says: 'a trusted proxy has no limit', addresses: ['10.0.0.1', '10.0.0.1', '10.0.0.1'], isIn: true },
])('$says', ({ addresses, isIn }) => {
  const perAddress = open()
  const [last] = addresses.map(address => perAddress.enter(address)).slice(-1)
  expect(last !== undefined).toBe(isIn)
})

test('an end makes room', () => {
  const perAddress = open()
  const leave = perAddress.enter('192.0.2.1')
  perAddress.enter('192.0.2.1')
  expect(perAddress.enter('192.0.2.1')).toBeUndefined()
  leave?.()
  expect(perAddress.enter('192.0.2.1')).toBeDefined()
})
