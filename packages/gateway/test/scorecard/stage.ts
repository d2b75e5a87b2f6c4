import { type Simulator, startSimulator } from '@yumen/simulator'
import { makeCertificate } from '../../../simulator/src/testing/certificate.ts'
import { openDeafPort } from '../faults/deaf-port.ts'
import { freePort, startTestGateway, type TestGateway, testKey } from '../gateway.ts'
import type { Case } from './cases.ts'
import type { Address } from './outcome.ts'

/** Far enough apart, and from the sweep's quarter of a second, that a slow machine takes none for another. */
export const limitsMs = { connect: 2_000, firstByte: 4_000, idle: 6_000, total: 10_000 } as const

export interface Stage {
  readonly gateway: TestGateway
  /** Where the simulators were asked for the place that their redirects name. */
  readonly followed: () => number
  close(): Promise<void>
}

/** Every case has a channel of its own that is asked first, and the sound one of its provider behind it. */
export async function startStage(cases: readonly Case[]): Promise<Stage> {
  const simulator = await startSimulator({ port: 0 })
  const secure = await startSimulator({ port: 0, tls: makeCertificate() })
  const deaf = await openDeafPort()
  const own = new Map<Case, Simulator>()
  for (const one of cases)
    if (one.row.address === 'own simulator') own.set(one, await startSimulator({ port: 0 }))
  const addresses: Readonly<Record<Exclude<Address, 'own simulator'>, string>> = {
    simulator: simulator.url,
    'no such name': 'http://upstream.invalid',
    'closed port': `http://127.0.0.1:${await freePort()}`,
    'port that takes no connection': `http://127.0.0.1:${deaf.port}`,
    'self-signed certificate': secure.url,
    'TLS to a port without it': simulator.url.replace('http:', 'https:'),
    'no TLS to a port with it': secure.url.replace('https:', 'http:'),
  }
  const addressOf = (one: Case) => {
    const { address = 'simulator' } = one.row
    return address === 'own simulator' ? (own.get(one)?.url ?? '') : addresses[address]
  }
  const gateway = await startTestGateway({
    yaml: JSON.stringify(configOf(cases, { addressOf, upstream: simulator.url })),
    env: { YUMEN_LOG_LEVEL: 'warn' },
  })
  return {
    gateway,
    followed: () =>
      [simulator, secure].flatMap(({ requests }) =>
        requests.filter(({ path }) => path.includes('_redirected')),
      ).length,
    async close() {
      await gateway.remove()
      deaf.close()
      for (const one of [simulator, secure, ...own.values()]) await one.close()
    },
  }
}

const providers = ['openai', 'anthropic', 'gemini'] as const
const providerOf = { chat: 'openai', responses: 'openai', anthropic: 'anthropic', gemini: 'gemini' } as const

/** JSON is YAML. */
function configOf(
  cases: readonly Case[],
  { addressOf, upstream }: { addressOf: (one: Case) => string; upstream: string },
) {
  const sound = providers.map(provider => {
    const models = cases.filter(({ dialect }) => providerOf[dialect] === provider).map(({ model }) => model)
    const modelMapping = Object.fromEntries(models.map(model => [model, 'sim']))
    return { name: `${provider}-sound`, provider, baseUrl: upstream, keys: ['key'], models, modelMapping }
  })
  const faulty = cases.map(one => ({
    name: `faulty-${one.model}`,
    provider: providerOf[one.dialect],
    baseUrl: addressOf(one),
    keys: ['key'],
    models: [one.model],
    modelMapping: { [one.model]: one.upstreamModel },
    priority: 5,
  }))
  return {
    apiVersion: 'yumen/v1',
    prices: { '*': { input: '2.50', output: '10', cacheRead: '1.25' } },
    users: [{ username: 'alice', balance: 'unlimited' }],
    apiKeys: [{ user: 'alice', name: 'test', key: testKey }],
    channels: [...faulty, ...sound],
    options: {
      'relay.connectTimeoutMs': limitsMs.connect,
      'relay.firstByteTimeoutMs': limitsMs.firstByte,
      'relay.idleTimeoutMs': limitsMs.idle,
      'relay.totalTimeoutMs': limitsMs.total,
    },
  }
}
