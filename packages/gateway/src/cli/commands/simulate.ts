import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { printLine } from '../output.ts'

export function define(command: Command): void {
  command
    .requiredOption('--port <number>', 'port to listen on; 0 takes a free one')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addHelpText(
      'after',
      `
It speaks OpenAI Chat Completions and Responses, Anthropic Messages and Gemini. Faults are chosen by the name of
the model or a header: packages/simulator/README.md.

Examples:
  yumen simulate --port 4000
  yumen channel add --name simulated --provider openai --base-url http://127.0.0.1:4000 --key sk-anything`,
    )
    .action(simulate)
}

async function simulate({ port, host }: { readonly port: string; readonly host: string }): Promise<void> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new CliError(`--port: found ${JSON.stringify(port)}, allowed: a whole number from 0 to 65535`)
  }
  const { startSimulator } = await import('@yumen/simulator')
  const simulator = await startSimulator({ port: Number(port), host })
  printLine(`Simulator listens on ${simulator.url}`)
  const stop = () => {
    void simulator.close()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}
