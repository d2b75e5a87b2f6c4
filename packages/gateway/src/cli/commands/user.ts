import type { Command } from 'commander'
import { hashPassword } from '#identity'
import { CliError } from '../cli-error.ts'
import { printFacts, printJson, printLine, printNote, printTable } from '../output.ts'
import { findUser, listUsers, type UserLine } from '../queries.ts'
import { askSecret, readSecretLine } from '../read-input.ts'
import { oneOf, readUsd, shortUsd, usd } from '../values.ts'
import { withStore } from '../with-store.ts'

interface JsonOption {
  readonly json?: true
}

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
Examples:
  yumen user add alice --balance 10
  yumen user show alice --json
  yumen user disable alice`,
  )
  defineAdd(command.command('add <name>').description('Add a user'))
  command.command('list').description('List users').option('--json', 'print one JSON document').action(list)
  command
    .command('show <name>')
    .description('Show one user')
    .option('--json', 'print one JSON document')
    .action(show)
  command
    .command('enable <name>')
    .description('Let a user in again')
    .option('--json', 'print one JSON document')
    .action((name: string, options: JsonOption) => setStatus(name, { ...options, status: 'enabled' }))
  command
    .command('disable <name>')
    .description('Refuse a user and all his keys')
    .option('--json', 'print one JSON document')
    .action((name: string, options: JsonOption) => setStatus(name, { ...options, status: 'disabled' }))
  command
    .command('password <name>')
    .description('Set the password of a user')
    .option('--password-stdin', 'read it from the first line of stdin instead of asking')
    .action(setPassword)
}

function defineAdd(command: Command): void {
  command
    .option('--role <role>', 'user, admin or root', 'user')
    .option('--group <name>', 'pricing group', 'default')
    .option('--balance <usd>', 'USD to begin with, or unlimited (root: unlimited, others: 0)')
    .option(
      '--password-stdin',
      'read a password from the first line of stdin; without one the user cannot sign in',
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  yumen user add alice --balance 10.00
  yumen user add lab --balance unlimited --group vip
  printf '%s' "$ROOT_PASSWORD" | yumen user add root --role root --password-stdin`,
    )
    .action(add)
}

interface AddOptions extends JsonOption {
  readonly role: string
  readonly group: string
  readonly balance?: string
  readonly passwordStdin?: true
}

async function add(name: string, options: AddOptions): Promise<void> {
  const username = readUsername(name)
  const role = oneOf(options.role, ['user', 'admin', 'root'], '--role')
  const balance = readBalance(options.balance ?? (role === 'root' ? 'unlimited' : '0'))
  const passwordHash = options.passwordStdin ? await hashOf(await readSecretLine('password')) : undefined
  await withStore(async ({ store }) => {
    const user = { username, role, group: options.group, passwordHash, balance }
    const { id } = await store.run('createUser', { ...user, now: Date.now() })
    const created = await getUser(await store.kysely(), username)
    if (options.json) printJson({ id, ...contractOf(created) })
    else printLine(`Added user ${username}.`)
    if (balance === 0n)
      printNote(
        'The balance is 0: --balance gives a user money to begin with. Balances are counted, not enforced yet.',
      )
  })
}

async function list({ json }: JsonOption): Promise<void> {
  await withStore(async ({ store }) => {
    const users = await listUsers(await store.kysely())
    if (json)
      return printJson({
        items: users.map(user => ({
          id: user.id,
          ...contractOf(user),
          role: user.role,
          status: user.status,
        })),
      })
    printTable(
      users,
      [
        { title: 'ID', value: user => user.id, isNumber: true },
        { title: 'NAME', value: user => user.username },
        { title: 'ROLE', value: user => user.role },
        { title: 'GROUP', value: user => user.group_name },
        { title: 'STATUS', value: user => user.status },
        { title: 'BALANCE USD', value: shortBalance, isNumber: true },
        { title: 'SPENT USD', value: user => shortUsd(user.spent_nusd), isNumber: true },
      ],
      'No users yet. `yumen user add NAME` adds one.',
    )
  })
}

async function show(name: string, { json }: JsonOption): Promise<void> {
  await withStore(async ({ store }) => {
    const user = await getUser(await store.kysely(), name)
    if (json) return printJson(contractOf(user))
    printFacts({
      Name: user.username,
      Role: user.role,
      Status: user.status,
      Group: user.group_name,
      Account: user.kind,
      Balance: shortBalance(user),
      Reserved: shortUsd(user.balance_nusd - user.available_nusd),
      Spent: shortUsd(user.spent_nusd),
    })
  })
}

interface StatusOptions extends JsonOption {
  readonly status: 'enabled' | 'disabled'
}

async function setStatus(username: string, { status, json }: StatusOptions): Promise<void> {
  await withStore(({ store }) => store.run('updateUser', { username, status, now: Date.now() }))
  if (json) printJson({ username, status })
  else printLine(`User ${username} is ${status}.`)
}

async function setPassword(
  username: string,
  { passwordStdin }: { readonly passwordStdin?: true },
): Promise<void> {
  const password = passwordStdin ? await readSecretLine('password') : await askPassword()
  const passwordHash = await hashOf(password)
  await withStore(({ store }) => store.run('updateUser', { username, passwordHash, now: Date.now() }))
  printLine(`The password of ${username} is set.`)
}

async function askPassword(): Promise<string> {
  const password = await askSecret('New password: ')
  if ((await askSecret('Once more: ')) !== password)
    throw new CliError('the two passwords differ: nothing was changed')
  return password
}

/**
 * Contract of `user show --json`. `reserved` is what nodes hold; a tracked account is counted from zero down.
 */
function contractOf(user: UserLine) {
  return {
    username: user.username,
    group: user.group_name,
    kind: user.kind,
    balance: usd(user.balance_nusd),
    reserved: usd(user.balance_nusd - user.available_nusd),
    available: usd(user.available_nusd),
    spent: usd(user.spent_nusd),
  }
}

function shortBalance({ kind, balance_nusd }: UserLine): string {
  return kind === 'tracked' ? 'unlimited' : shortUsd(balance_nusd)
}

async function getUser(...[db, name]: Parameters<typeof findUser>): Promise<UserLine> {
  const user = await findUser(db, name)
  if (user === undefined) throw new CliError(`there is no user ${name}: \`yumen user list\` shows all`)
  return user
}

function readUsername(name: string): string {
  if (/^[^/\p{Cc}]{1,64}$/u.test(name) && name.trim() === name) return name
  throw new CliError(
    `found ${JSON.stringify(name)}, allowed: a name of 1 to 64 characters, without / or spaces around it`,
  )
}

function readBalance(text: string): bigint | 'unlimited' {
  return text === 'unlimited' ? text : readUsd(text, '--balance')
}

function hashOf(password: string): Promise<string> {
  if (password.length >= 8 && password.length <= 128) return hashPassword(password)
  throw new CliError('a password has 8 to 128 characters')
}
