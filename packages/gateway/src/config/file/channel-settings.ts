import { z } from 'zod'
import { type OptionKey, optionRegistry } from '../options.ts'
import { isMetadataUrl } from './base-url.ts'
import { known, listOf, oneOf, secretSource, text } from './schema-parts.ts'

const flag = () => z.boolean('true or false').optional()
const anyText = () => z.string('a text').optional()
const names = () => listOf(text('the name of a model'), 'a list of model names').optional()

/** An option that a channel may set for itself, under its name without `relay.`. */
function optionOf(key: OptionKey) {
  const { accepts, allowed } = optionRegistry[key]
  return z.custom<unknown>(accepts, allowed).optional()
}

const proxySchemes = /^(https?|socks5h?):$/

/** A proxy that is used, or none: the empty text. Addresses often hold a password, so they may lie elsewhere. */
export const proxyRule = {
  fits: (found: string) =>
    found === '' ||
    (URL.canParse(found) && proxySchemes.test(new URL(found).protocol) && !isMetadataUrl(found)),
  allowed:
    "an address that begins with http://, https://, socks5:// or socks5h://, and no cloud's metadata service",
}
const proxy = z
  .union([z.literal(''), secretSource], proxyRule.allowed)
  .refine(found => typeof found !== 'string' || proxyRule.fits(found), proxyRule.allowed)
  .optional()

/** A channel's `settings`: New API's JSON keys as they are, and the time limits. */
export const channelSettings = known('settings', {
  force_format: flag(),
  thinking_to_content: flag(),
  proxy,
  pass_through_body_enabled: flag(),
  system_prompt: anyText(),
  system_prompt_override: flag(),
  azure_responses_version: anyText(),
  vertex_key_type: oneOf(['json', 'api_key']).optional(),
  aws_key_type: oneOf(['ak_sk', 'api_key']).optional(),
  openrouter_enterprise: flag(),
  claude_beta_query: flag(),
  allow_service_tier: flag(),
  allow_inference_geo: flag(),
  allow_speed: flag(),
  allow_safety_identifier: flag(),
  disable_store: flag(),
  allow_include_obfuscation: flag(),
  upstream_model_update_check_enabled: flag(),
  upstream_model_update_auto_sync_enabled: flag(),
  upstream_model_update_last_check_time: z.int('a whole number').optional(),
  upstream_model_update_last_detected_models: names(),
  upstream_model_update_last_removed_models: names(),
  upstream_model_update_ignored_models: names(),
  /**
   * New API keeps these two in columns of their own: an API version, region or account id, and OpenAI's
   * organisation.
   */
  other: anyText(),
  openai_organization: anyText(),
  /** Azure: `azure_api: v1` uses the versionless addresses, `azure_strip_dots` the deployment names of old channels. */
  azure_api: oneOf(['classic', 'v1']).optional(),
  azure_strip_dots: flag(),
  /** Azure and Gemini. */
  api_version: anyText(),
  /** Values of DashScope's headers. */
  dashscope_plugin: anyText(),
  dashscope_workspace: anyText(),
  dashscope_data_inspection: anyText(),
  dashscope_session_cache: anyText(),
  connectTimeoutMs: optionOf('relay.connectTimeoutMs'),
  firstByteTimeoutMs: optionOf('relay.firstByteTimeoutMs'),
  idleTimeoutMs: optionOf('relay.idleTimeoutMs'),
  totalTimeoutMs: optionOf('relay.totalTimeoutMs'),
  pingIntervalMs: optionOf('relay.pingIntervalMs'),
  retryTimes: optionOf('relay.retryTimes'),
  /** Asked for by the scheduled tests; else the first model. */
  test_model: anyText(),
  /** Ceilings: at them the channel yields to the others. */
  concurrencyMax: z.int('a whole number from 1').min(1, 'a whole number from 1').optional(),
  requestsPerMinuteMax: z.int('a whole number from 1').min(1, 'a whole number from 1').optional(),
})
