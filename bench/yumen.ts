import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findFreePort, inheritedEnv } from './children.ts'
import { models } from './models.ts'
import type { Running, Setting, System, SystemParts } from './systems.ts'

const run = promisify(execFile)
const applyTimeoutMs = 30_000
const readyTimeoutMs = 30_000
export const apiKey = `sk-${'0123456789abcdef'.repeat(3)}`

/** The gateway of this repository, started as its users start it, on a data folder of its own. */
export function createYumen(root: string, parts: SystemParts, workers = 1): System {
  const command = join(root, 'bin/yumen')

  const start = async (setting: Setting): Promise<Running> => {
    const folder = parts.makeFolder('yumen')
    const site = {
      folder,
      file: join(folder, 'bench.yaml'),
      env: envOf(folder, parts.upstream.certFile, workers),
    }
    const runCommand = async (args: readonly string[]) => {
      await run(command, args, { cwd: root, env: inheritedEnv(site.env), timeout: applyTimeoutMs })
    }
    const apply: Running['apply'] = async (revision, { isDry = false } = {}) => {
      // JSON is YAML; one document for both.
      writeFileSync(site.file, JSON.stringify(describe({ setting, revision, parts }), undefined, 2))
      await runCommand(['apply', '-f', site.file, ...(isDry ? ['--dry-run'] : [])])
    }
    await apply(0)
    setting.prefill?.(site.env.YUMEN_DATA_DIR)
    return serve({ command, site, setting, apply, runCommand, parts })
  }
  return { name: workers === 1 ? 'yumen' : `yumen of ${workers} workers`, start }
}

interface Site {
  readonly folder: string
  readonly file: string
  readonly env: ReturnType<typeof envOf>
}

interface Serving {
  readonly command: string
  readonly site: Site
  readonly setting: Setting
  readonly apply: Running['apply']
  readonly runCommand: Running['command']
  readonly parts: SystemParts
}

async function serve(serving: Serving): Promise<Running> {
  const { command, site, setting, apply, runCommand, parts } = serving
  const port = await findFreePort()
  const child = parts.children.start({
    command,
    args: ['serve'],
    env: { ...site.env, PORT: `${port}`, ...monitorEnv(setting.stallsFile) },
    logFile: join(site.folder, 'out.log'),
  })
  const readyMs = await child.ready(port, '/readyz', readyTimeoutMs)
  return {
    name: 'yumen',
    pid: child.pid,
    port,
    headers: { authorization: `Bearer ${apiKey}` },
    readyMs,
    apply,
    command: runCommand,
    restart: async () => {
      await child.stop()
      return serve(serving)
    },
    stop: async () => {
      await child.stop()
      rmSync(site.folder, { recursive: true, force: true })
    },
  }
}

function monitorEnv(stallsFile: string | undefined): Readonly<Record<string, string>> {
  return stallsFile === undefined
    ? {}
    : { NODE_OPTIONS: `--import=${import.meta.resolve('./loop-monitor.ts')}`, BENCH_STALLS_FILE: stallsFile }
}

function envOf(folder: string, certFile: string, workers: number) {
  return {
    YUMEN_DATA_DIR: join(folder, 'data'),
    NODE_EXTRA_CA_CERTS: certFile,
    YUMEN_WORKERS: String(workers),
  }
}

interface Description {
  readonly setting: Setting
  readonly revision: number
  readonly parts: SystemParts
}

/** The declarative file of a run; each revision has another price or weight, so that each `apply` changes something. */
function describe({ setting, revision, parts: { upstream } }: Description): unknown {
  const channel = (name: string, baseUrl: string, priority: number) => ({
    name,
    provider: 'openai-compatible',
    baseUrl,
    keys: ['sk-upstream-bench'],
    models: Object.values(models),
    priority,
  })
  const channels = {
    plain: () => [channel('upstream', upstream.origin, 0)],
    tls: () => [channel('upstream', upstream.tlsOrigin, 0)],
    failing: () => [
      channel('failing', `${upstream.origin}/fail20`, 10),
      channel('healthy', upstream.origin, 0),
    ],
    many: () =>
      Array.from({ length: 1_000 }, (_, index) => ({
        ...channel(`upstream-${index}`, upstream.origin, 0),
        models: Array.from({ length: 100 }, (_, at) => Object.values(models)[at] ?? `bench-model-${at}`),
        weight: index === 500 ? 10 + (revision % 50) : 10,
      })),
  }
  const price = setting.way === 'many' ? '2.50' : `2.${50 + (revision % 50)}`
  return {
    apiVersion: 'yumen/v1',
    groups: { default: { ratio: '1' } },
    prices: { 'bench*': { input: price, output: '10' } },
    users: [{ username: 'bench', balance: 'unlimited' }],
    apiKeys: [{ user: 'bench', name: 'bench', key: apiKey }],
    channels: channels[setting.way](),
  }
}
