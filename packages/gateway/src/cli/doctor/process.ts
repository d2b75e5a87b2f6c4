import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { type Environment, limits, reviewEnvironment } from '#config'
import { type Check, codeOf, fail, ok, warn } from './check.ts'

export function checkRuntime(): Check {
  const found = `Node ${process.versions.node} (${process.execPath})`
  const major = Number(process.versions.node.split('.')[0])
  return major >= 26
    ? ok('runtime', found)
    : fail('runtime', found, 'start Yumen by bin/yumen: it finds or installs Node 26')
}

export function checkEnvironment(source: Parameters<typeof reviewEnvironment>[0]): readonly Check[] {
  const { idle, unknown } = reviewEnvironment(source)
  return [
    ...unknown.map(({ name, allowed }) => warn('environment', `${name} is unknown`, `known: ${allowed}`)),
    ...(idle.length === 0
      ? []
      : [
          warn(
            'environment',
            `${idle.join(', ')}: known from New API, without effect here`,
            'nothing needs to be done',
          ),
        ]),
    ...(idle.length + unknown.length === 0 ? [ok('environment', 'every variable is understood')] : []),
  ]
}

/** Whether the port is free, held by a gateway, or held by something else. */
export async function checkPort({ port, host }: Environment): Promise<Check> {
  const refusal = await tryListen(port, host)
  if (refusal === undefined) return ok('port', `${port} is free`)
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  if (refusal === 'EADDRINUSE' && (await answersAsGateway(`http://${address}:${port}/livez`))) {
    return ok('port', `a gateway answers on ${port}`)
  }
  return fail(
    'port',
    `${port} on ${host} cannot be used (${refusal})`,
    'choose another by PORT or serve --port, or stop what holds it',
  )
}

export function checkOpenFiles(): Check {
  const found = openFileLimit()
  if (found === undefined) return ok('open files', 'this system does not say its limit')
  const wanted = limits.connectionsMax + limits.upstreamConnectionsPerShard
  if (found >= wanted) return ok('open files', `limit ${found}`)
  return warn(
    'open files',
    `limit ${found}, so fewer than ${limits.connectionsMax} connections fit`,
    `ulimit -n ${2 * wanted}, or LimitNOFILE in the systemd unit`,
  )
}

function tryListen(port: number, host: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve(codeOf(error)))
    server.listen({ port, host }, () => server.close(() => resolve(undefined)))
  })
}

async function answersAsGateway(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false // refused, reset, silent: whatever it is, it is no gateway that answers
  }
}

/** Linux tells it in /proc; elsewhere a program cannot ask without a shell. */
function openFileLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
