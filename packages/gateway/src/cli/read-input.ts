import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CliError } from './cli-error.ts'

/** Everything on stdin, at most `bytesMax`. */
export async function readStdin(bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > bytesMax) throw new CliError(`stdin holds more than ${bytesMax} bytes`)
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * The first line on stdin: a secret that shall stand neither in the list of processes nor in the history of a
 * shell.
 */
export async function readSecretLine(what: string): Promise<string> {
  const [line = ''] = (await readStdin(1024 * 1024)).split(/\r?\n/)
  if (line === '')
    throw new CliError(`stdin is empty: write the ${what} to it, for instance by printf '%s' "$SECRET" |`)
  return line
}

/** Asks on the terminal without showing what is typed. */
export async function askSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw new CliError('stdin is no terminal: use --password-stdin')
  process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}
