import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Children, findFreePort } from './children.ts'
import type { Upstream } from './upstream-client.ts'

const floorFile = fileURLToPath(new URL('./floor.ts', import.meta.url))
const readyTimeoutMs = 20_000

/** Something that is measured: a way to start it, and what a load run must know of it. */
export interface System {
  readonly name: string
  start(setting: Setting): Promise<Running>
}

export interface Setting {
  /**
   * How the upstream is reached. `failing`: a first channel that fails 20 % before one that never does. `many`: a thousand channels of
   * a hundred models each, all of one priority.
   */
  readonly way: 'plain' | 'tls' | 'failing' | 'many'
  /** Fills the store before the system starts. */
  readonly prefill?: (dataDir: string) => void
  /** Where the process writes how long its event loop stood still: see `loop-monitor.ts`. */
  readonly stallsFile?: string
}

export interface Running {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  /** Spawning → the first 200 of its ready path. */
  readonly readyMs: number
  /** Applies a changed configuration while it runs; resolves when the command has ended. */
  apply(revision: number, options?: { readonly isDry?: boolean }): Promise<void>
  /** Runs another command of it on the same data. */
  command(args: readonly string[]): Promise<void>
  /** Ends the process and starts it again on the same data. */
  restart(): Promise<Running>
  stop(): Promise<void>
}

export interface SystemParts {
  readonly children: Children
  readonly upstream: Upstream
  /** Makes a fresh folder that is removed with the bench. */
  readonly makeFolder: (name: string) => string
}

/**
 * The bare proxy under any name: as the floor, and as a stand-in for a gateway when the bench itself is
 * tried.
 */
export function createBareProxy(
  name: string,
  { children, upstream, makeFolder }: SystemParts,
  copies = 1,
): System {
  const start = async (setting: Setting): Promise<Running> => {
    const port = await findFreePort()
    const isTls = setting.way === 'tls'
    const child = children.start({
      command: process.execPath,
      args: [floorFile, `${port}`, isTls ? upstream.tlsOrigin : upstream.origin, `${copies}`],
      env: { NODE_EXTRA_CA_CERTS: upstream.certFile },
      logFile: join(makeFolder(name), 'out.log'),
    })
    const readyMs = await child.ready(port, '/', readyTimeoutMs)
    return {
      name,
      pid: child.pid,
      port,
      headers: { authorization: `Bearer sk-${'0123456789abcdef'.repeat(3)}` },
      readyMs,
      apply: async () => undefined,
      command: async () => undefined,
      restart: async () => {
        await child.stop()
        return start(setting)
      },
      stop: child.stop,
    }
  }
  return { name, start }
}
