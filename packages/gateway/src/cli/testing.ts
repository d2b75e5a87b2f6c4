import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ulid } from 'ulid'
import { openStore } from '#store'

/** For tests of the command line: `bin/yumen` as a process of its own, in a data folder of its own. */

const yumen = fileURLToPath(new URL('../../../../bin/yumen', import.meta.url))

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface CliBed {
  readonly folder: string
  run(words: readonly string[], options?: RunOptions): Promise<Outcome>
  remove(): void
}

export function createCliBed(): CliBed {
  const folder = mkdtempSync(join(tmpdir(), 'yumen-cli-'))
  const base = { PATH: '/usr/local/bin:/usr/bin:/bin', YUMEN_DATA_DIR: join(folder, 'data') }
  return {
    folder,
    run: (words, { stdin = '', env = {} } = {}) =>
      new Promise(resolve => {
        const child = execFile(
          yumen,
          words,
          { cwd: folder, env: { ...base, ...env } },
          (error, stdout, stderr) => {
            resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr })
          },
        )
        child.stdin?.end(stdin)
      }),
    remove: () => rmSync(folder, { recursive: true }),
  }
}

export const json = (outcome: Outcome) => JSON.parse(outcome.stdout)

/** One settled request of the first API key for each of `models`, as a gateway would commit it; answers their ids. */
export async function commitRequests(folder: string, models: readonly string[]): Promise<string[]> {
  const store = await openStore({ sqlitePath: join(folder, 'data', 'yumen.db'), migrate: false })
  try {
    const key = await (await store.kysely())
      .selectFrom('api_keys')
      .select(['id', 'account_id'])
      .executeTakeFirstOrThrow()
    const channel = await (await store.kysely()).selectFrom('channels').select('id').executeTakeFirstOrThrow()
    const now = Date.now()
    const records = models.map(model => ({
      kind: 'settled',
      class: 'ok',
      status: 200,
      timings: { authenticated: 1, bodyRead: 2, planned: 3, ended: 20 },
      charge: { amount: '7', ratio: '1' },
      facts: {
        id: ulid(now),
        time: now,
        accountId: key.account_id,
        apiKeyId: key.id,
        group: 'default',
        dialect: 'openai-chat',
        operation: 'chat',
        isStreaming: false,
        model,
        upstreamModel: 'gpt-4o-2024',
        channel: 'a',
        channelId: channel.id,
        attempts: [
          { channel: 'a', channelId: channel.id, keyFingerprint: 'f00d', class: 'ok', status: 200, ms: 12 },
        ],
        usage: {
          input: 3,
          output: 4,
          cacheRead: 0,
          cacheWrite: { '5m': 0, '30m': 0, '1h': 0, '12h': 0 },
          inputBy: {},
          toolUse: 0,
          outputBy: {},
          server: { webSearch: 0, webFetch: 0, codeCalls: 0, fileSearch: 0 },
        },
        source: 'upstream',
      },
    }))
    await store.run('startNode', { id: 'node', epoch: 1, now, heartbeatUntil: now })
    const lines = records.map((record, index) => JSON.stringify({ seq: index + 1, record }))
    await store.run('commitBatch', {
      nodeId: 'node',
      markBefore: 0,
      markAfter: records.length,
      records: lines.map(line => Buffer.from(`${line}\n`)),
    })
    return records.map(({ facts }) => facts.id)
  } finally {
    await store.close()
  }
}
