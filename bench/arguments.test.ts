import { expect, test } from 'vitest'
import { parseCommand } from './arguments.ts'

const rows = ['whole-1k', 'tls']
const run = {
  kind: 'run',
  scale: 'default',
  only: [],
  printsJson: false,
  recordDate: undefined,
  subject: 'yumen',
}

test.each([
  { args: [], gives: run },
  { args: ['--quick', '--json'], gives: { ...run, scale: 'quick', printsJson: true } },
  { args: ['--only', 'tls,whole-1k'], gives: { ...run, only: ['tls', 'whole-1k'] } },
  { args: ['--record', '2026-11-25'], gives: { ...run, recordDate: '2026-11-25' } },
  { args: ['--subject=stand-in'], gives: { ...run, subject: 'stand-in' } },
  { args: ['--list'], gives: { kind: 'list' } },
  { args: ['--help', '--quick'], gives: { kind: 'help' } },
])('$args', ({ args, gives }) => {
  expect(parseCommand(args, rows)).toEqual(gives)
})

test.each([
  { args: ['--only', 'nothing'], message: /no row is named nothing; there are whole-1k, tls/ },
  { args: ['--record', 'today'], message: /takes a date/ },
  { args: ['--subject', 'nginx'], message: /yumen or stand-in/ },
  { args: ['--fast'], message: /--fast/ },
])('$args is refused in words', ({ args, message }) => {
  expect(parseCommand(args, rows)).toMatchObject({ kind: 'wrong', message: expect.stringMatching(message) })
})
