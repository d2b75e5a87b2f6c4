import { Command } from 'commander'
import packageFile from '../../package.json' with { type: 'json' }
import { CliError, exitCodes, explainFailure } from './cli-error.ts'
import { printError, printJson } from './output.ts'

interface CommandModule {
  /** Gives the command its options, its help and its action. */
  readonly define: (command: Command) => void
}

interface CommandEntry {
  readonly about: string
  readonly load: () => Promise<CommandModule>
}

/** Each command loads its own file, and only when it is asked for: `yumen --help` must be quick. */
const commands: Readonly<Record<string, CommandEntry>> = {
  serve: { about: 'Start the gateway', load: () => import('./commands/serve.ts') },
  apply: { about: 'Bring the state to what a file describes', load: () => import('./commands/apply.ts') },
  export: { about: 'Print the present state as such a file', load: () => import('./commands/export.ts') },
  user: { about: 'Add, list, show and disable users', load: () => import('./commands/user.ts') },
  key: { about: 'Add, list, show and disable API keys', load: () => import('./commands/key.ts') },
  channel: { about: 'Add, list, show and disable channels', load: () => import('./commands/channel.ts') },
  requests: { about: 'Look at what was asked and answered', load: () => import('./commands/requests.ts') },
  explain: {
    about: 'Say where a request would go, and why; try a policy on past ones',
    load: () => import('./commands/explain.ts'),
  },
  migrate: {
    about: 'Bring the schema of the database up to date',
    load: () => import('./commands/migrate.ts'),
  },
  doctor: { about: 'Check this installation and say what to do', load: () => import('./commands/doctor.ts') },
  simulate: {
    about: 'Start an upstream that answers, and fails, on demand',
    load: () => import('./commands/simulate.ts'),
  },
}

const planned = ['import', 'ledger', 'receipt', 'price', 'account', 'backup', 'restore']

async function main(words: readonly string[]): Promise<void> {
  process.stdout.on('error', leaveWhenPipeIsClosed)
  try {
    const program = await buildProgram(words)
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    const { exitCode, text } = explainFailure(error)
    process.exitCode = exitCode
    if (exitCode === exitCodes.done) return
    if (wantsJson(words)) printJson({ error: { message: text } })
    else printError(text)
  }
}

async function buildProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('yumen')
    .description('Yumen: a self-hosted gateway for AI model APIs')
    .version(packageFile.version)
    .showHelpAfterError('Run the command with --help to see what it takes.')
    .addHelpText('after', help)
  // Else the parser prints to stderr and ends the process by itself.
  if (wantsJson(words)) program.exitOverride().configureOutput({ writeErr: () => undefined })
  const asked = words.find(word => !word.startsWith('-') && word !== 'help')
  for (const [name, { about, load }] of Object.entries(commands)) {
    const command = program.command(name).description(about).copyInheritedSettings(program)
    if (name === asked) (await load()).define(command)
  }
  for (const name of planned) {
    program
      .command(name)
      .description('Not built yet')
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new CliError(
          `${name} is not built yet: it comes with a later version. \`yumen --help\` lists what there is.`,
        )
      })
  }
  return program
}

/** Whether stdout is one JSON document: then an error is one too. */
function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end === -1 ? words : words.slice(0, end)).includes('--json')
}

const help = `
Data is in YUMEN_DATA_DIR (./data), or in the PostgreSQL database of SQL_DSN.
Exit status: 0 done, 1 wrong input or not found, 2 the database could not be reached.

Examples:
  yumen channel add --name openai --provider openai --key-env OPENAI_API_KEY
  yumen user add alice --balance 10
  yumen key add --user alice --name laptop
  yumen serve`

/** `yumen … | head` is no failure. */
function leaveWhenPipeIsClosed(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit(exitCodes.done)
  throw error
}

await main(process.argv.slice(2))
