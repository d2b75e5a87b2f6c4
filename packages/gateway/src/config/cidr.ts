import { isIP } from 'node:net'

/** Whether `text` is an IP address or a CIDR range (`10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`). */
export function isCidr(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) return false
  if (prefix === undefined) return true
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}
