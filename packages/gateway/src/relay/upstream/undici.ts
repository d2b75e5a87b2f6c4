import { createRequire } from 'node:module'

type Undici = typeof import('undici')

const load = createRequire(import.meta.url)

/**
 * The pool by its own file: the package's index brings `fetch`, WebSocket, caches and mocks along, 5 MB and 16 ms
 * of every start.
 */
export const Pool: Undici['Pool'] = load('undici/lib/dispatcher/pool.js')

/**
 * What speaks to proxies, for channels that have one: the first of them loads the whole package, as these agents
 * use the methods that its index adds. An `import()` would hold the thread as long, so this one does not wait.
 */
export function loadProxyAgents(): Pick<Undici, 'ProxyAgent' | 'Socks5ProxyAgent'> {
  return load('undici')
}
