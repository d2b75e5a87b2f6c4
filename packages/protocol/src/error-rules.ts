import type { DialectName } from './dialect.ts'
import type { UpstreamErrorClass } from './errors.ts'

/** One line of the table. Every condition it names must hold; an absent condition always holds. */
export interface ErrorRule {
  readonly class: UpstreamErrorClass
  /** Machine codes in lower case, compared whole; a pattern stands for a family of them. */
  readonly codes?: readonly (string | RegExp)[]
  readonly statuses?: readonly number[]
  /** Upstreams that send no code: the message. Stands below every code that decides. */
  readonly says?: RegExp
  readonly only?: readonly DialectName[]
}

/**
 * No HTTP refusal: an error object in a stream or in an answer with status 200, without a status of its own.
 */
const inBand = [0, 200]
const refusal = [400, 422, ...inBand]
const failure = [500, 502, 503, ...inBand]
const exceededQuota = /^you exceeded your current quota\b/i

/**
 * Codes that decide whatever the status and the message say. DashScope's native codes (`InvalidApiKey`) and
 * those of its compatible mode (`invalid_api_key`) stand beside OpenAI's; so do the words of other gateways
 * in front of an upstream. Sources: Yumen's conversion spec 7.1, providers spec 17.3; help.aliyun.com "Error
 * codes" of Model Studio.
 */
const codeRules: readonly ErrorRule[] = [
  { class: 'region', codes: ['unsupported_country_region_territory'] },
  { class: 'context_length', codes: ['context_length_exceeded'] },
  { class: 'payload_too_large', codes: ['request_too_large', 'payload_too_large'] },
  {
    class: 'content_policy',
    codes: [
      'content_policy_violation',
      'content_filter',
      'invalid_prompt',
      'bio_policy',
      'misalignment_policy_violation',
      'image_content_policy_violation',
      'responsibleaipolicyviolation',
      'datainspectionfailed',
      'data_inspection_failed',
      'prompt_blocked',
      'sensitive_words_detected',
      'unsafe_request',
      /sensitivecontentdetected/,
    ],
  },
  {
    class: 'state_invalid',
    codes: [
      'invalid_encrypted_content',
      'compaction_signature_invalid',
      'missing_thought_signature',
      'reasoning_state_invalid',
    ],
  },
  {
    class: 'state_not_found',
    codes: ['previous_response_not_found', 'item_not_found', 'thread_not_found'],
  },
  {
    class: 'model_unavailable',
    codes: [
      'model_not_found',
      'modelnotfound',
      'invalidendpointormodel.notfound',
      'modelnotopen',
      'invalid_model',
      'model_not_priced',
      // DashScope: the key's workspace may not use this one model.
      'model.accessdenied',
    ],
  },
  {
    class: 'quota_upstream',
    codes: [
      'insufficient_quota',
      'credit_balance_exhausted',
      'billing_hard_limit_reached',
      'billing_error',
      'enforced_spend_limit_reached',
      'contract_spend_limit_reached',
      /^linked_organization_/,
      'arrearage',
      /allocationquota/,
      'prepaidbilloverdue',
      'postpaidbilloverdue',
      'commoditynotpurchased',
      'free_tier',
      /perday/,
      'insufficient_user_quota',
      'pre_consume_token_quota_failed',
      'insufficient_balance',
      'accountoverdueerror',
      'account_overdue',
      'setlimitexceeded',
    ],
  },
  {
    class: 'auth_upstream',
    codes: [
      'account_deactivated',
      'organization_on_hold',
      'invalid_api_key',
      'invalidapikey',
      'authentication_error',
      'authenticationerror',
      'api_key_invalid',
      'consumer_suspended',
      'service_disabled',
      'access_denied',
      /^(?:workspace\.)?accessdenied/,
      'operationdenied.servicenotopen',
      'invalid_iam_token',
    ],
  },
  {
    class: 'rate_limited',
    codes: [
      'rate_limit_exceeded',
      'rate_limit_error',
      'ramp_limit_exceeded',
      /^throttling/,
      'limit_requests',
      'limit_burst_rate',
      /^ratelimitexceeded/,
      /perminute/,
      /_rate_limit_exceeded$/,
      'too_many_requests',
    ],
  },
  {
    class: 'overloaded',
    codes: [
      'overloaded_error',
      'engine_overloaded_error',
      'overloaded',
      'slow_down',
      'server_overloaded',
      'server_is_overloaded',
      'serveroverloaded',
      'gateway_overloaded',
      'compaction_unavailable',
      /^serviceunavailable/,
      'insufficient_system_resource',
      'server_high_load',
    ],
  },
  {
    class: 'upstream_timeout',
    codes: ['timeout_error', 'requesttimeout', 'request_timeout', 'deadline_exceeded', 'upstream_timeout'],
  },
  { class: 'upstream_error', codes: [/^internalerror/] },
  {
    class: 'invalid_request',
    codes: [
      /^invalidparameter/,
      'invalid_parameter_error',
      'invalid_value',
      'invalid_type',
      'unsupported_value',
      'unsupported_parameter',
      'unknown_parameter',
      'missing_required_parameter',
    ],
  },
]

/**
 * Refusals of one request with the status of a refused key: the next request may use the key. OpenRouter's
 * moderation and guardrails, xAI's safety checks, Google's and Anthropic's files of another account, and
 * models that an account was not given (OpenAI, Bedrock). Sources: openrouter.ai "Errors and Debugging";
 * inspect_ai 2267 (xAI); python-genai 1218; aider 604; read 2026-11-25.
 */
const forbiddenRequestRules: readonly ErrorRule[] = [
  {
    class: 'content_policy',
    statuses: [403],
    says: /requires moderation\b|\binput was flagged|violates usage guidelines|prompt injection patterns/i,
  },
  {
    class: 'state_not_found',
    only: ['gemini'],
    statuses: [403, 404],
    says: /permission to access the file\b/i,
  },
  { class: 'state_not_found', only: ['anthropic'], statuses: [403, 404], says: /^file not found\b/i },
  { class: 'model_unavailable', statuses: [403], says: /(?:not|n't) have access to (?:the )?model\b/i },
]

/**
 * Refusals of the account that come as a client's mistake. Each pattern is the message from its beginning, or
 * after the name of AWS's exception: a message that quotes the client has other words in front. Sources:
 * Yumen's relay spec 4.11; langchain 19215 and bedrock-audio-summarizer 3 (Bedrock, 400
 * `ValidationException`); read 2026-11-25.
 */
const accountRules: readonly ErrorRule[] = [
  {
    class: 'auth_upstream',
    statuses: [400, ...inBand],
    says: /^(?:\w+Exception: )?(?:this organization has been disabled\b|operation not allowed\.?$|your account is not authorized\b|the security token included in the request is invalid\b)/i,
  },
  // Google says the same of a minute's share; its codes above and its words below tell them apart.
  {
    class: 'rate_limited',
    only: ['openai-chat', 'openai-responses', 'anthropic'],
    statuses: [429],
    codes: ['resource_exhausted'],
    says: exceededQuota,
  },
  {
    class: 'quota_upstream',
    only: ['openai-chat', 'openai-responses', 'anthropic'],
    statuses: [400, 403, 429, ...inBand],
    says: exceededQuota,
  },
]

/**
 * The one place that reads messages. Each line is bound to statuses, so that words a client put into a
 * request cannot pass for the upstream's state.
 */
const messageRules: readonly ErrorRule[] = [
  { class: 'region', only: ['anthropic'], statuses: [403], says: /\bregion/i },
  { class: 'region', statuses: [400, 403, ...inBand], says: /location is not supported/i },
  {
    class: 'context_length',
    statuses: refusal,
    says: /maximum context length|too many tokens|prompt is too long|exceeds? context limit|token count .*exceeds the maximum/is,
  },
  { class: 'payload_too_large', statuses: refusal, says: /payload size exceeds/i },
  { class: 'content_policy', statuses: refusal, says: /usage polic(?:y|ies)/i },
  ...forbiddenRequestRules,
  {
    class: 'state_invalid',
    statuses: refusal,
    says: /encrypted content .*could not be verified|required (?:following|'reasoning') item|reasoning_content .*must be passed back|thought.?signature/is,
  },
  {
    class: 'state_invalid',
    statuses: refusal,
    says: /invalid .signature. in .thinking.|bound to a different|thinking.* cannot be modified|expected .thinking./is,
  },
  { class: 'state_not_found', statuses: [400, 404, ...inBand], says: /item with id .*not found/is },
  {
    class: 'state_not_found',
    only: ['gemini'],
    statuses: [403, 404, ...inBand],
    says: /cached ?contents?\b/i,
  },
  { class: 'model_unavailable', statuses: [404, ...refusal], says: /\bmodel\b.*does not exist/is },
  {
    class: 'auth_upstream',
    only: ['gemini'],
    statuses: refusal,
    says: /api key (?:not valid|not found|expired)/i,
  },
  ...accountRules,
  { class: 'quota_upstream', statuses: refusal, says: /credit balance is too low/i },
  { class: 'quota_upstream', only: ['gemini'], statuses: [429], says: /quota .*per day|free_tier/is },
  { class: 'quota_upstream', only: ['gemini'], statuses: [403], says: /billing/i },
  { class: 'overloaded', statuses: failure, says: /overloaded/i },
]

/** Words that name a whole status; the lines above say more. */
const wordRules: readonly ErrorRule[] = [
  // Money, whatever word stands beside it: Google has no word of its own for it.
  { class: 'quota_upstream', statuses: [402] },
  { class: 'model_unavailable', codes: ['not_found_error', 'not_found', 'notfounderror'] },
  { class: 'auth_upstream', codes: ['permission_error', 'permission_denied', 'unauthenticated'] },
  { class: 'rate_limited', codes: ['resource_exhausted'] },
  { class: 'overloaded', codes: ['unavailable'] },
]

const statusRules: readonly ErrorRule[] = [
  { class: 'payload_too_large', statuses: [413] },
  { class: 'auth_upstream', statuses: [401, 403] },
  { class: 'rate_limited', statuses: [429] },
  { class: 'overloaded', statuses: [503, 529] },
  { class: 'upstream_timeout', statuses: [408, 504] },
  { class: 'upstream_error', statuses: [499] },
  {
    class: 'invalid_request',
    statuses: inBand,
    codes: ['invalid_request_error', 'invalid_argument', 'out_of_range', 'failed_precondition'],
  },
]

/**
 * Upstream error → neutral class (conversion spec 7.1): the first line that holds wins; below it the status
 * decides.
 */
export const errorRules: readonly ErrorRule[] = [...codeRules, ...messageRules, ...wordRules, ...statusRules]

/**
 * The same for a page of a web server, proxy or firewall in front of the API: it has no code, its words are
 * nobody's, and its 403 is no word on the key.
 */
export const pageRules: readonly ErrorRule[] = [{ class: 'upstream_error', statuses: [403] }, ...statusRules]
