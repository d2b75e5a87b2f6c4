import { faults } from './faults.ts'
import { type Reply, wholeReply } from './reply.ts'
import type { SeenRequest } from './seen.ts'

export interface ControlParts {
  readonly requests: readonly SeenRequest[]
  readonly clear: () => void
}

/** The simulator's own addresses; `undefined` for everything else. Their requests are not recorded. */
export function controlReply(
  { method, path }: SeenRequest,
  { requests, clear }: ControlParts,
): Reply | undefined {
  switch (`${method} ${path}`) {
    case 'GET /_requests':
      return json(requests)
    case 'DELETE /_requests':
      clear()
      return json({ cleared: true })
    case 'GET /_faults':
      return json(
        Object.fromEntries(Object.entries(faults).map(([name, { about, on }]) => [name, { about, on }])),
      )
    case 'GET /_health':
      return json({ status: 'ok' })
    default:
      return undefined
  }
}

function json(value: unknown): Reply {
  return wholeReply(200, [], JSON.stringify(value))
}
