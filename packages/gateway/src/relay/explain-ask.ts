import { type DialectName, type ErrorClass, errorStatus, type ScanLimits } from '@yumen/protocol'
import type { Snapshot } from '#catalog'
import { type CallerKey, type Keyring, splitPinned } from '#identity'
import type { RouteAsk } from '#routing'
import { admitAsk, admitKey } from './admit.ts'
import { authenticate, type HeaderReader } from './authenticate.ts'
import { GatewayError } from './gateway-error.ts'
import { affinityRulesOf, toRouteAsk } from './plan.ts'
import { reserve } from './reserve.ts'
import { dialectOf, type Route, route, type Target } from './route.ts'
import { type Facts, scan } from './scan.ts'

export interface ExplainRequest {
  /** Address of a relay route, with its query. */
  readonly path: string
  /** As the client sends it, byte for byte: a conversation is known by its bytes. */
  readonly body: Buffer
  /** Stands where neither the address nor the body names one. */
  readonly model: string | undefined
  /** The answer is streamed, whatever address and body say. */
  readonly streams: boolean
  readonly header: HeaderReader
  readonly asker: Asker
  readonly snapshot: Snapshot
  readonly limits: ScanLimits
  /** Milliseconds UTC. */
  readonly now: number
}

/** Who asks: a key, the key in another group, or somebody of a group. */
export type Asker = KeyAsker | { readonly kind: 'group'; readonly group: string }

interface KeyAsker {
  readonly kind: 'key'
  /** As its client has it. */
  readonly shown: string
  /** Another group than the key's. */
  readonly group: string | undefined
  readonly findKey: Keyring['find']
  /** `undefined`: it is not looked at from where the key may be used. */
  readonly clientIp: string | undefined
}

/** What the relay would tell the client before it asks routing. */
export interface Refusal {
  readonly class: ErrorClass
  readonly status: number
  readonly message: string
}

export type ReadAsk =
  | {
      readonly kind: 'ask'
      readonly ask: RouteAsk
      readonly refusal: Refusal | undefined
      /** The key is bound to addresses, and none was given to look at. */
      readonly isAddressOpen: boolean
    }
  | { readonly kind: 'unknown-key' }
  | { readonly kind: 'unreadable'; readonly refusal: Refusal }

/** What routing would be asked for this request, and whether it would be asked at all: read and admitted as the relay does it. */
export async function readRouteAsk(request: ExplainRequest): Promise<ReadAsk> {
  const { path, body, header, asker, snapshot, limits } = request
  const dialect = dialectOf(path)
  const target = attempted(() => targetOf(request), dialect)
  if ('refusal' in target) return { kind: 'unreadable', ...target }
  const facts = attempted(() => scan(body, target.value, limits), dialect)
  if ('refusal' in facts) return { kind: 'unreadable', ...facts }
  const asking = await findAsking(asker, dialect)
  if (asking === undefined) return { kind: 'unknown-key' }
  const { key, group, pinnedChannelId } = asking
  const admitted = attempted(() => {
    if (key !== undefined) admit(request, { key, facts: facts.value, target: target.value })
  }, dialect)
  return {
    kind: 'ask',
    ask: toRouteAsk(
      { affinityRules: affinityRulesOf(snapshot.options), limits },
      { group, pinnedChannelId, facts: facts.value, target: target.value, client: header },
    ),
    refusal: asking.refusal ?? ('refusal' in admitted ? admitted.refusal : undefined),
    isAddressOpen: key?.allowIps !== undefined && clientIpOf(asker) === undefined,
  }
}

function targetOf({ path, header, model, streams }: ExplainRequest): Target {
  const found: Route = route('POST', path, header)
  if (found.kind !== 'relay') throw new Error(`${path} asks no model`)
  const { target } = found
  return {
    ...target,
    pathModel: target.pathModel ?? model,
    pathStreams: target.pathStreams || streams,
  }
}

interface Asking {
  /** `undefined`: nobody in particular asks. */
  readonly key: CallerKey | undefined
  readonly group: string
  readonly pinnedChannelId: number | undefined
  /** The key may not name a channel. */
  readonly refusal: Refusal | undefined
}

/** `undefined`: there is no such key. */
async function findAsking(asker: Asker, dialect: DialectName): Promise<Asking | undefined> {
  if (asker.kind === 'group')
    return { key: undefined, group: asker.group, pinnedChannelId: undefined, refusal: undefined }
  const { shown, findKey } = asker
  try {
    const { key, pinnedChannelId } = await authenticate(
      { find: findKey },
      dialect,
      name => (name === 'authorization' ? `Bearer ${shown}` : undefined),
      new URLSearchParams(),
    )
    const group = asker.group ?? key.group
    return { key: { ...key, group }, group, pinnedChannelId, refusal: undefined }
  } catch (error) {
    const refusal = refusalOf(error, dialect)
    const pinned = refusal.class === 'permission_client' ? splitPinned(shown) : undefined
    const asking = pinned && (await findAsking({ ...asker, shown: pinned.key }, dialect))
    return asking && { ...asking, refusal }
  }
}

/** The relay's own checks in its order; what depends on the moment (rates, sensitive words, places) is left out. @throws GatewayError */
function admit(
  { asker, now, snapshot }: ExplainRequest,
  { key, facts, target }: { readonly key: CallerKey; readonly facts: Facts; readonly target: Target },
): void {
  const clientIp = clientIpOf(asker)
  const bound = clientIp === undefined ? { ...key, allowIps: undefined } : key
  admitKey(bound, { now, clientIp: () => clientIp ?? '' })
  admitAsk(key, { model: facts.model, endpoint: target.endpoint })
  reserve(snapshot, key, facts.model)
}

function clientIpOf(asker: Asker): string | undefined {
  return asker.kind === 'key' ? asker.clientIp : undefined
}

function attempted<Value>(
  work: () => Value,
  dialect: DialectName,
): { readonly value: Value } | { readonly refusal: Refusal } {
  try {
    return { value: work() }
  } catch (error) {
    return { refusal: refusalOf(error, dialect) }
  }
}

/** What is no refusal goes on as it is. */
function refusalOf(error: unknown, dialect: DialectName): Refusal {
  if (!(error instanceof GatewayError)) throw error
  const { class: name, status, message } = error
  return { class: name, status: status ?? errorStatus(name, dialect), message }
}
