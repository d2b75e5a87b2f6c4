import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Simulator, startSimulator } from '@yumen/simulator'
import pg from 'pg'
import { type Books, recordedOf } from '../faults/books.ts'
import { startTestGateway, type TestGateway, testKey } from '../gateway.ts'
import { createDatabase, startPostgres } from '../postgres.ts'

/** Two gateways, each a process and a data folder of its own, over one PostgreSQL and one folder of journals. */
export interface ClusterStage {
  readonly simulator: Simulator
  readonly nodes: readonly [TestGateway, TestGateway]
  readonly journalDir: string
  query(sql: string): Promise<readonly Record<string, string>[]>
  close(): Promise<void>
}

const models = ['sim', 'sim-tokens50-gap1', 'sim-tokens300', 'sim-unicode', 'sim-tokens80-gap3-bytes64']

export async function startCluster(): Promise<ClusterStage> {
  const server = await startPostgres()
  if (server === undefined) throw new Error('no PostgreSQL on this machine')
  const dsn = await createDatabase(server.address)
  const simulator = await startSimulator({ port: 0 })
  const journalDir = mkdtempSync(join(tmpdir(), 'yumen-journals-'))
  const yaml = JSON.stringify({
    apiVersion: 'yumen/v1',
    prices: { '*': { input: '2.50', output: '10', cacheRead: '1.25' } },
    users: [{ username: 'alice', balance: '100' }],
    apiKeys: [{ user: 'alice', name: 'test', key: testKey }],
    channels: ['openai', 'anthropic', 'gemini'].map(provider => ({
      name: provider,
      provider,
      baseUrl: simulator.url,
      keys: [`upstream-key-${provider}`],
      models,
    })),
  })
  const env = {
    SQL_DSN: dsn,
    YUMEN_JOURNAL_DIR: journalDir,
    CRYPTO_SECRET: 'one secret for all nodes of the test',
    YUMEN_LOG_LEVEL: 'info',
  }
  const first = await startTestGateway({ yaml, env })
  const second = await startTestGateway({ yaml, env })
  const client = new pg.Client(dsn)
  await client.connect()
  return {
    simulator,
    nodes: [first, second],
    journalDir,
    query: async sql => (await client.query(sql)).rows,
    async close() {
      await first.remove()
      await second.remove()
      await client.end()
      await simulator.close()
      await server.stop()
      rmSync(journalDir, { recursive: true, force: true })
    },
  }
}

/** As `readBooks`, of a PostgreSQL. */
export async function readClusterBooks({ query }: ClusterStage): Promise<Books> {
  const [sums] = await query(
    `SELECT (SELECT sum(balance_nusd) FROM accounts) AS balance, (SELECT sum(spent_nusd) FROM accounts) AS spent,
      (SELECT sum(spent_nusd) FROM api_keys) AS key_spent, (SELECT count(*) FROM nodes) AS nodes`,
  )
  const charges = (await query('SELECT id, amount_nusd FROM charges')).map(row => ({
    id: String(row['id']),
    amount: BigInt(row['amount_nusd'] ?? 0),
  }))
  const requests = (await query('SELECT id, class, status, packed FROM requests')).map(recordedOf)
  const byId = new Map(charges.map(charge => [charge.id, charge]))
  return {
    balance: BigInt(sums?.['balance'] ?? 0),
    spent: BigInt(sums?.['spent'] ?? 0),
    keySpent: BigInt(sums?.['key_spent'] ?? 0),
    charges: byId,
    doubles: charges.length - byId.size,
    requests: new Map(requests.map(request => [request.id, request])),
    nodes: Number(sums?.['nodes']),
  }
}
