import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'

/**
 * Opaque reasoning state: bound to what it signs, so that state which comes back changed is refused, as the
 * real upstreams do.
 */
export function signatureFor(content: string): string {
  return Buffer.from(`simulated-state:${hash('sha256', content)}`).toString('base64')
}

/** Whether `signature` is ours, and, where `content` is known, whether it belongs to it. */
export function isSignature(signature: string, content?: string): boolean {
  if (content !== undefined) return signature === signatureFor(content)
  return Buffer.from(signature, 'base64').toString().startsWith('simulated-state:')
}
