import type { IncomingMessage, ServerResponse } from 'node:http'
import { dialects } from '@yumen/protocol'
import { admitAsk, admitKey } from './admit.ts'
import { admitRate } from './admit-rate.ts'
import { attempt } from './attempt.ts'
import { authenticate } from './authenticate.ts'
import { deliver } from './client/deliver.ts'
import { createReply, type Reply } from './client/reply.ts'
import { fail } from './fail.ts'
import { GatewayError } from './gateway-error.ts'
import { readBody } from './incoming/body.ts'
import type { Share } from './incoming/shares.ts'
import { listModels } from './models.ts'
import type { RelayParts } from './parts.ts'
import { affinityRulesOf, plan } from './plan.ts'
import { RequestLog } from './request-log.ts'
import { bindGroup, reserve } from './reserve.ts'
import { dialectOf, type Route, route, type Target } from './route.ts'
import { scan } from './scan.ts'

/** One incoming request with what the steps need of it. */
interface Incoming {
  readonly request: IncomingMessage
  readonly reply: Reply
  readonly header: (name: string) => string | undefined
  readonly id: string
}

/** Answers a request to a relay path, whatever happens: never throws, and every answer has the request's id. */
export async function relay(
  parts: RelayParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const incoming: Incoming = {
    request,
    reply: createReply(response, { isForPage: request.headers.origin !== undefined }),
    header: name => headerOf(request, name),
    id: parts.makeId(),
  }
  const url = request.url ?? '/'
  let found: Route
  try {
    checkHeaderCount(request, parts)
    found = route(request.method ?? 'GET', url, incoming.header)
  } catch (error) {
    fail(
      parts,
      { reply: incoming.reply, dialect: dialects[dialectOf(url)], requestId: incoming.id, log: undefined },
      error,
    )
    return
  }
  if (found.kind === 'models') await relayModels(parts, incoming, found)
  else await relayTarget(parts, incoming, found.target)
}

/** Node keeps one header more than may be, and drops the rest in silence, the client's key maybe among it. */
function checkHeaderCount({ rawHeaders }: IncomingMessage, { limits, observer }: RelayParts): void {
  if (rawHeaders.length <= limits.headersCountMax * 2) return
  observer.onShed('headersCountMax')
  throw new GatewayError('invalid_request', `the request has more than ${limits.headersCountMax} headers`, {
    status: 431,
  })
}

/** The way of a request: one straight line. Settlement is the last act of `deliver`, before the answer's end leaves. */
async function relayTarget(
  parts: RelayParts,
  { request, reply, header, id }: Incoming,
  target: Target,
): Promise<void> {
  const dialect = dialects[target.dialect]
  const log = new RequestLog({ id, time: parts.now(), target, clock: parts.clock })
  const failing = { reply, dialect, requestId: id, log }
  let share: Share | undefined
  try {
    parts.checkAccepting()
    const found = authenticate(parts.keyring, target.dialect, header, target.query)
    const caller = found instanceof Promise ? await found : found
    log.caller = caller.key
    admitKey(caller.key, { now: log.time, clientIp: () => parts.clientIp(request) })
    log.mark('authenticated')
    share = parts.shares.open(caller.key)
    const body = await readBody(request, parts, share)
    log.mark('bodyRead')
    const facts = scan(body, target, parts.limits)
    log.facts = facts
    admitAsk(caller.key, { model: facts.model, endpoint: target.endpoint })
    const searching = parts.checkSensitive(facts)
    if (searching !== undefined) await searching
    const waiting = admitRate(parts, log, facts)
    if (waiting !== undefined) await waiting
    if (facts.isStreaming) share.enterStream()
    const snapshot = parts.snapshot()
    log.terms = reserve(snapshot, caller.key, facts.model)
    parts.routing.onRequest(facts.model)
    const planned = plan(
      { routing: parts.routing, limits: parts.limits, affinityRules: affinityRulesOf(snapshot.options) },
      { caller, facts, target, client: header },
    )
    log.decision = planned.decision
    log.mark('planned')
    const accepted = await attempt(parts, {
      target,
      dialect,
      facts,
      log,
      reply,
      planned,
      share,
      startedAt: log.startedAt,
      client: header,
      incoming: request,
    })
    log.candidate = accepted.candidate
    log.terms = bindGroup(snapshot, log.terms, accepted.candidate.group)
    await deliver(parts, {
      accepted,
      dialect,
      reply,
      log,
      share,
      snapshot,
      wantsDebug: header('x-yumen-debug') === '1',
    })
  } catch (error) {
    fail(parts, failing, error)
  } finally {
    log.seat?.end()
    share?.close()
  }
}

async function relayModels(
  parts: RelayParts,
  { request, reply, header, id }: Incoming,
  found: Extract<Route, { kind: 'models' }>,
): Promise<void> {
  const dialect = dialects[found.dialect]
  try {
    const query = new URLSearchParams(request.url?.split('?')[1])
    const { key } = await authenticate(parts.keyring, 'models', header, query)
    admitKey(key, { now: parts.now(), clientIp: () => parts.clientIp(request) })
    const list = listModels(parts.snapshot(), key, found.shape, found.model)
    const ids = ['x-request-id', id, ...(found.dialect === 'anthropic' ? ['request-id', id] : [])]
    reply.sendWhole(200, ['content-type', 'application/json', ...ids], JSON.stringify(list))
  } catch (error) {
    fail(parts, { reply, dialect, requestId: id, log: undefined }, error)
  }
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
