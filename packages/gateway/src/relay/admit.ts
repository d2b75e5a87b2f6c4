import { type CallerKey, mayComeFrom, mayUseModel } from '#identity'
import { GatewayError } from './gateway-error.ts'

/** Whether this key may be used at all, now and from there: asked before the body is read. @throws GatewayError */
export function admitKey(key: CallerKey, { now, clientIp }: { now: number; clientIp: () => string }): void {
  if (!key.isEnabled) throw new GatewayError('auth_client', `the API key "${key.name}" is disabled`)
  if (key.expiresAt !== undefined && key.expiresAt <= now) {
    throw new GatewayError(
      'auth_client',
      `the API key "${key.name}" expired at ${new Date(key.expiresAt).toISOString()}`,
    )
  }
  if (!key.isUserEnabled)
    throw new GatewayError('permission_client', `the user "${key.username}" is disabled`)
  if (key.limitNusd !== undefined && key.spent.nusd >= key.limitNusd) {
    throw new GatewayError('quota_client', `the API key "${key.name}" has used up its spending limit`)
  }
  if (key.allowIps !== undefined && !mayComeFrom(key, clientIp())) {
    throw new GatewayError(
      'permission_client',
      `the API key "${key.name}" may not be used from ${clientIp()}`,
    )
  }
}

/** Whether this key may ask for that. @throws GatewayError `permission_client` */
export function admitAsk(key: CallerKey, ask: { readonly model: string; readonly endpoint: string }): void {
  if (key.endpoints !== undefined && !key.endpoints.has(ask.endpoint)) {
    throw new GatewayError(
      'permission_client',
      `the API key "${key.name}" may not use ${ask.endpoint}: it is for ${[...key.endpoints].join(', ')}`,
    )
  }
  if (!mayUseModel(key, ask.model)) {
    throw new GatewayError(
      'permission_client',
      `the API key "${key.name}" may not use the model ${JSON.stringify(ask.model)}`,
      { param: 'model' },
    )
  }
}
