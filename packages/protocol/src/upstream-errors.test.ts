import { expect, test } from 'vitest'
import type { DialectName } from './dialect.ts'
import { dialects } from './dialects.ts'
import type { UpstreamErrorClass } from './errors.ts'

const openai = (error: object) => ({
  error: { message: 'no', type: 'invalid_request_error', param: null, ...error },
})
const claude = (type: string, message = 'no', details?: object) => ({
  type: 'error',
  error: { type, message, ...(details && { details }) },
  request_id: 'req_1',
})
const google = (code: number, status: string, message = 'no', details: readonly object[] = []) => ({
  error: { code, message, status, details },
})
const native = (code: string) => ({ code, message: 'no', request_id: '3d3c' })

type Row = readonly [status: number, body: unknown, gives: UpstreamErrorClass]

const chat: readonly Row[] = [
  [400, openai({ code: 'context_length_exceeded' }), 'context_length'],
  [400, openai({ message: "This model's maximum context length is 8192 tokens." }), 'context_length'],
  [400, openai({ message: 'too many tokens in the prompt' }), 'context_length'],
  [413, 'Request Entity Too Large', 'payload_too_large'],
  [400, openai({ code: 'content_policy_violation' }), 'content_policy'],
  [
    400,
    openai({ code: 'content_filter', innererror: { code: 'ResponsibleAIPolicyViolation' } }),
    'content_policy',
  ],
  [400, openai({ code: null, innererror: { code: 'ResponsibleAIPolicyViolation' } }), 'content_policy'],
  [400, openai({ code: 'invalid_prompt' }), 'content_policy'],
  [400, openai({ code: 'bio_policy' }), 'content_policy'],
  [400, openai({ code: 'misalignment_policy_violation' }), 'content_policy'],
  [400, openai({ code: 'image_content_policy_violation' }), 'content_policy'],
  [400, openai({ code: 'invalid_encrypted_content' }), 'state_invalid'],
  [400, openai({ message: 'The encrypted content gAAA could not be verified.' }), 'state_invalid'],
  [400, openai({ message: "was provided without its required 'reasoning' item" }), 'state_invalid'],
  [400, openai({ message: 'was provided without its required following item' }), 'state_invalid'],
  [400, openai({ message: 'The reasoning_content of the turn must be passed back' }), 'state_invalid'],
  [400, openai({ code: 'previous_response_not_found' }), 'state_not_found'],
  [404, openai({ code: 'previous_response_not_found' }), 'state_not_found'],
  [404, openai({ message: "Item with id 'rs_1' not found." }), 'state_not_found'],
  [404, openai({ code: 'model_not_found' }), 'model_unavailable'],
  [400, openai({ code: 'model_not_found' }), 'model_unavailable'],
  [404, openai({ message: 'The model `gpt-9` does not exist' }), 'model_unavailable'],
  [401, openai({ code: 'invalid_api_key' }), 'auth_upstream'],
  [401, '', 'auth_upstream'],
  [400, openai({ code: 'account_deactivated' }), 'auth_upstream'],
  [403, openai({}), 'auth_upstream'],
  [403, openai({ code: 'unsupported_country_region_territory' }), 'region'],
  [429, openai({ type: 'insufficient_quota', code: 'insufficient_quota' }), 'quota_upstream'],
  [429, openai({ code: 'credit_balance_exhausted' }), 'quota_upstream'],
  [429, openai({ code: 'billing_hard_limit_reached' }), 'quota_upstream'],
  [402, openai({ type: 'unknown_error' }), 'quota_upstream'],
  [429, openai({ type: 'requests', code: 'rate_limit_exceeded' }), 'rate_limited'],
  [429, openai({ type: 'engine_overloaded_error' }), 'overloaded'],
  [429, 'slow down', 'rate_limited'],
  [503, openai({ type: 'server_error' }), 'overloaded'],
  [500, openai({ type: 'server_error', message: 'That model is currently overloaded' }), 'overloaded'],
  [500, openai({ code: 'slow_down' }), 'overloaded'],
  [500, openai({ code: 'server_overloaded' }), 'overloaded'],
  [408, '', 'upstream_timeout'],
  [504, '<html>504 Gateway Time-out</html>', 'upstream_timeout'],
  [500, openai({ type: 'server_error' }), 'upstream_error'],
  [502, '<html>502 Bad Gateway</html>', 'upstream_error'],
  [524, '<html>524</html>', 'upstream_error'],
  [400, openai({ code: 'invalid_value' }), 'invalid_request'],
  [404, '{}', 'invalid_request'],
  [404, '404 page not found', 'upstream_error'],
  [404, '', 'upstream_error'],
  [405, 'Method Not Allowed', 'upstream_error'],
  [400, '<html><body>400 Bad Request</body></html>', 'upstream_error'],
  [400, 'messages: must not be empty', 'invalid_request'],
  [413, '<html><body>413 Request Entity Too Large</body></html>', 'payload_too_large'],
  [409, openai({}), 'invalid_request'],
  [415, openai({}), 'invalid_request'],
  [422, { detail: [{ loc: ['body', 'n'], msg: 'too big', type: 'value_error' }] }, 'invalid_request'],
  [200, '', 'upstream_protocol'],
  [200, '<html>login</html>', 'upstream_protocol'],
]

const cloudflare =
  '<!DOCTYPE html><title>Attention Required! | Cloudflare</title><div role="region">overloaded</div>'
const openRouter = 'openai/gpt-4o requires moderation on OpenAI. Your input was flagged for "violence".'
const xai = {
  code: 'The caller does not have permission to execute the specified operation',
  error:
    'Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO',
}
const exceeded = 'You exceeded your current quota, please check your plan and billing details.'

/** What refuses one request with the status of a refused key. */
const forbidden: readonly Row[] = [
  [403, cloudflare, 'upstream_error'],
  [403, '\n<html><head><title>403 Forbidden</title></head></html>', 'upstream_error'],
  [403, 'error code: 1020', 'upstream_error'],
  [401, '<html>401 Authorization Required</html>', 'auth_upstream'],
  [429, '<html>429 Too Many Requests</html>', 'rate_limited'],
  [400, '<html>Operation not allowed</html>', 'upstream_error'],
  [403, { error: { code: 403, message: openRouter, metadata: { reasons: ['violence'] } } }, 'content_policy'],
  [
    403,
    { error: { code: 403, message: 'Request blocked: prompt injection patterns detected' } },
    'content_policy',
  ],
  [403, xai, 'content_policy'],
  [403, { ...xai, error: 'Your team has no credits' }, 'auth_upstream'],
  [403, openai({ message: 'Project `proj_1` does not have access to model `gpt-4o`' }), 'model_unavailable'],
  [403, { message: "You don't have access to the model with the specified model ID." }, 'model_unavailable'],
  [400, openai({ message: 'no `x` requires moderation' }), 'invalid_request'],
]

/** What refuses the account with the status of a client's mistake. */
const accounts: readonly Row[] = [
  [400, openai({ message: 'This organization has been disabled.' }), 'auth_upstream'],
  [400, { message: 'Operation not allowed' }, 'auth_upstream'],
  [400, { message: 'ValidationException: Operation not allowed' }, 'auth_upstream'],
  [400, { message: 'Your account is not authorized to invoke this API operation.' }, 'auth_upstream'],
  [400, { message: 'The security token included in the request is invalid.' }, 'auth_upstream'],
  [400, openai({ message: exceeded }), 'quota_upstream'],
  [403, openai({ message: exceeded }), 'quota_upstream'],
  [429, openai({ message: exceeded }), 'quota_upstream'],
  [200, { error: { message: exceeded } }, 'quota_upstream'],
  [429, google(429, 'RESOURCE_EXHAUSTED', exceeded), 'rate_limited'],
  [400, openai({ message: "stop: 'This organization has been disabled.'" }), 'invalid_request'],
  [400, openai({ message: `n: ${exceeded}` }), 'invalid_request'],
  [400, openai({ message: 'Operation not allowed on messages.0' }), 'invalid_request'],
  [404, openai({ message: 'Operation not allowed' }), 'invalid_request'],
  [422, openai({ message: exceeded }), 'invalid_request'],
]

const dashScope: readonly Row[] = [
  [401, native('InvalidApiKey'), 'auth_upstream'],
  [401, openai({ code: 'invalid_api_key' }), 'auth_upstream'],
  [403, native('AccessDenied'), 'auth_upstream'],
  [403, native('AccessDenied.Unpurchased'), 'auth_upstream'],
  [403, native('Model.AccessDenied'), 'model_unavailable'],
  [403, native('Workspace.AccessDenied'), 'auth_upstream'],
  [400, native('Arrearage'), 'quota_upstream'],
  [404, native('ModelNotFound'), 'model_unavailable'],
  [404, openai({ code: 'model_not_found' }), 'model_unavailable'],
  [429, native('Throttling'), 'rate_limited'],
  [429, native('Throttling.RateQuota'), 'rate_limited'],
  [429, native('Throttling.BurstRate'), 'rate_limited'],
  [429, native('Throttling.AllocationQuota'), 'quota_upstream'],
  [403, native('AllocationQuota.FreeTierOnly'), 'quota_upstream'],
  [429, openai({ code: 'insufficient_quota' }), 'quota_upstream'],
  [400, native('DataInspectionFailed'), 'content_policy'],
  [400, openai({ code: 'data_inspection_failed' }), 'content_policy'],
  [400, native('InvalidParameter'), 'invalid_request'],
  [500, native('InternalError'), 'upstream_error'],
  [500, native('InternalError.Algo'), 'upstream_error'],
  [500, native('RequestTimeOut'), 'upstream_timeout'],
  [503, native('ServiceUnavailable'), 'overloaded'],
]

const messages: readonly Row[] = [
  [
    400,
    claude('invalid_request_error', 'prompt is too long: 205000 tokens > 200000 maximum'),
    'context_length',
  ],
  [
    400,
    claude('invalid_request_error', 'input length and `max_tokens` exceed context limit'),
    'context_length',
  ],
  [413, claude('request_too_large'), 'payload_too_large'],
  [400, claude('invalid_request_error', 'Output blocked by our usage policy'), 'content_policy'],
  [400, claude('invalid_request_error', 'Invalid `signature` in `thinking` block'), 'state_invalid'],
  [400, claude('invalid_request_error', 'the block is bound to a different conversation'), 'state_invalid'],
  [
    400,
    claude('invalid_request_error', '`thinking` blocks in the latest turn cannot be modified'),
    'state_invalid',
  ],
  [400, claude('invalid_request_error', 'Expected `thinking` or `redacted_thinking`'), 'state_invalid'],
  [
    400,
    claude('invalid_request_error', 'no', { error_code: 'compaction_signature_invalid' }),
    'state_invalid',
  ],
  [404, claude('not_found_error', 'no', { error_code: 'thread_not_found' }), 'state_not_found'],
  [404, claude('not_found_error', 'File not found: file_011'), 'state_not_found'],
  [404, claude('not_found_error', 'model: File not found'), 'model_unavailable'],
  [404, claude('not_found_error', 'model: claude-9'), 'model_unavailable'],
  [400, claude('invalid_request_error', 'This organization has been disabled.'), 'auth_upstream'],
  [401, claude('authentication_error'), 'auth_upstream'],
  [403, claude('permission_error'), 'auth_upstream'],
  [403, claude('permission_error', 'no', { error_code: 'organization_on_hold' }), 'auth_upstream'],
  [403, claude('permission_error', 'Access from your region is not allowed'), 'region'],
  [402, claude('billing_error'), 'quota_upstream'],
  [400, claude('invalid_request_error', 'Your credit balance is too low'), 'quota_upstream'],
  [429, claude('rate_limit_error', 'no', { error_code: 'enforced_spend_limit_reached' }), 'quota_upstream'],
  [429, claude('rate_limit_error', 'no', { error_code: 'contract_spend_limit_reached' }), 'quota_upstream'],
  [429, claude('rate_limit_error', 'no', { error_code: 'linked_organization_suspended' }), 'quota_upstream'],
  [429, claude('rate_limit_error', 'no', { error_code: 'ramp_limit_exceeded' }), 'rate_limited'],
  [429, claude('rate_limit_error'), 'rate_limited'],
  [529, claude('overloaded_error'), 'overloaded'],
  [500, claude('api_error', 'no', { error_code: 'compaction_unavailable' }), 'overloaded'],
  [504, claude('timeout_error'), 'upstream_timeout'],
  [500, claude('api_error'), 'upstream_error'],
  [400, claude('invalid_request_error', 'max_tokens: field required'), 'invalid_request'],
]

const info = (reason: string) => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason })
const violated = (quotaId: string) => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [{ quotaId }],
})

const content: readonly Row[] = [
  [
    400,
    google(
      400,
      'INVALID_ARGUMENT',
      'The input token count (9) exceeds the maximum number of tokens allowed (8).',
    ),
    'context_length',
  ],
  [400, google(400, 'INVALID_ARGUMENT', 'Request payload size exceeds the limit'), 'payload_too_large'],
  [400, google(400, 'INVALID_ARGUMENT', 'Thought signature is not valid'), 'state_invalid'],
  [400, google(400, 'INVALID_ARGUMENT', 'no', [info('MISSING_THOUGHT_SIGNATURE')]), 'state_invalid'],
  [404, google(404, 'NOT_FOUND', 'cachedContents/a1 not found'), 'state_not_found'],
  [
    403,
    google(403, 'PERMISSION_DENIED', 'CachedContent not found (or permission denied)'),
    'state_not_found',
  ],
  [
    403,
    google(403, 'PERMISSION_DENIED', 'You do not have permission to access the File a1 or it may not exist.'),
    'state_not_found',
  ],
  [403, cloudflare, 'upstream_error'],
  [429, google(429, 'RESOURCE_EXHAUSTED', exceeded), 'rate_limited'],
  [404, google(404, 'NOT_FOUND', 'models/gemini-9 is not found'), 'model_unavailable'],
  [400, google(400, 'INVALID_ARGUMENT', 'API key not valid.', [info('API_KEY_INVALID')]), 'auth_upstream'],
  [400, google(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.'), 'auth_upstream'],
  [401, google(401, 'UNAUTHENTICATED'), 'auth_upstream'],
  [403, google(403, 'PERMISSION_DENIED'), 'auth_upstream'],
  [403, google(403, 'PERMISSION_DENIED', 'no', [info('CONSUMER_SUSPENDED')]), 'auth_upstream'],
  [403, google(403, 'PERMISSION_DENIED', 'no', [info('SERVICE_DISABLED')]), 'auth_upstream'],
  [403, google(403, 'PERMISSION_DENIED', 'This API method requires billing to be enabled'), 'quota_upstream'],
  [429, google(429, 'RESOURCE_EXHAUSTED', 'You exceeded your quota of requests per day'), 'quota_upstream'],
  [429, google(429, 'RESOURCE_EXHAUSTED', 'metric: generate_content_free_tier_requests'), 'quota_upstream'],
  [
    429,
    google(429, 'RESOURCE_EXHAUSTED', 'no', [violated('GenerateRequestsPerDayPerProject-FreeTier')]),
    'quota_upstream',
  ],
  [
    429,
    google(429, 'RESOURCE_EXHAUSTED', 'free_tier', [violated('GenerateRequestsPerMinute-FreeTier')]),
    'rate_limited',
  ],
  [429, google(429, 'RESOURCE_EXHAUSTED'), 'rate_limited'],
  [503, google(503, 'UNAVAILABLE'), 'overloaded'],
  [504, google(504, 'DEADLINE_EXCEEDED'), 'upstream_timeout'],
  [500, google(500, 'INTERNAL'), 'upstream_error'],
  [499, google(499, 'CANCELLED'), 'upstream_error'],
  [400, google(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'), 'region'],
  [400, google(400, 'INVALID_ARGUMENT'), 'invalid_request'],
  [400, google(400, 'OUT_OF_RANGE'), 'invalid_request'],
  [400, [google(400, 'INVALID_ARGUMENT', 'no', [info('API_KEY_INVALID')])], 'auth_upstream'],
]

const table: readonly (readonly [DialectName, readonly Row[]])[] = [
  ['openai-chat', [...chat, ...forbidden, ...accounts, ...dashScope]],
  ['openai-responses', [...chat, ...forbidden, ...accounts]],
  ['anthropic', [...messages, ...forbidden, ...accounts, ...dashScope]],
  ['gemini', content],
]

for (const [name, rows] of table) {
  test.each(rows)(`${name}: %i %j`, (status, body, gives) => {
    expect(dialects[name].parseError(status, body).class).toBe(gives)
  })
}

test.each([
  {
    says: 'a code decides, whatever the message quotes',
    status: 400,
    body: openai({ code: 'invalid_value', message: 'maximum context length' }),
    gives: 'invalid_request',
  },
  {
    says: 'a client cannot make a channel look overloaded by its own words',
    status: 400,
    body: openai({ message: "invalid value 'overloaded'" }),
    gives: 'invalid_request',
  },
  {
    says: 'a gateway in front of an upstream hides nothing behind upstream_error',
    status: 429,
    body: openai({ type: 'upstream_error', code: 'bad_response_status_code' }),
    gives: 'rate_limited',
  },
  {
    says: "another gateway's empty account is a matter of money",
    status: 403,
    body: openai({ type: 'new_api_error', code: 'insufficient_user_quota' }),
    gives: 'quota_upstream',
  },
  {
    says: 'a status inside a 200 answer counts like the real one',
    status: 200,
    body: { error: { code: 429, message: 'no' } },
    gives: 'rate_limited',
  },
  {
    says: 'a word names the class where there is no status',
    status: 200,
    body: claude('overloaded_error'),
    gives: 'overloaded',
  },
  {
    says: 'the client keeps its own mistake where there is no status',
    status: 200,
    body: openai({}),
    gives: 'invalid_request',
  },
  {
    says: 'an error object without a word is the upstream’s',
    status: 200,
    body: { error: { message: 'no' } },
    gives: 'upstream_error',
  },
])('$says', ({ status, body, gives }) => {
  expect(dialects['openai-chat'].parseError(status, body).class).toBe(gives)
})

test.each([
  { body: openai({ message: 'Bad n', code: 'invalid_value', param: 'n' }), message: 'Bad n' },
  { body: { error: 'model "x" not found' }, message: 'model "x" not found' },
  { body: { message: 'from message' }, message: 'from message' },
  { body: { code: 5, msg: 'from msg', success: false }, message: 'from msg' },
  { body: { err: 'from err' }, message: 'from err' },
  { body: { error_code: 17, error_msg: 'from error_msg' }, message: 'from error_msg' },
  { body: { detail: 'from detail' }, message: 'from detail' },
  { body: { detail: [{ msg: 'bad' }] }, message: '[{"msg":"bad"}]' },
  { body: { header: { code: 3, message: 'from header' } }, message: 'from header' },
  { body: { response: { error: { message: 'from response.error' } } }, message: 'from response.error' },
  {
    body: { error: { message: 'Provider returned error', metadata: { raw: 'busy' } } },
    message: 'Provider returned error (busy)',
  },
  { body: '  <html>no</html> ', message: '<html>no</html>' },
  { body: 'x'.repeat(5_000), message: 'x'.repeat(2_000) },
  { body: undefined, message: 'status 400 without a readable body' },
])('the message is found: $message', ({ body, message }) => {
  expect(dialects['openai-chat'].parseError(400, body).message).toBe(message)
})

test('type, code, parameter and the wait that was asked for are kept', () => {
  const delay = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7.25s' }
  expect(dialects.gemini.parseError(429, google(429, 'RESOURCE_EXHAUSTED', 'wait', [delay]))).toEqual({
    class: 'rate_limited',
    status: 429,
    message: 'wait',
    upstreamType: 'RESOURCE_EXHAUSTED',
    upstreamCode: '429',
    retryAfterMs: 7_250,
  })
  expect(dialects['openai-chat'].parseError(400, openai({ code: 'invalid_type', param: 'n' }))).toEqual({
    class: 'invalid_request',
    status: 400,
    message: 'no',
    upstreamType: 'invalid_request_error',
    upstreamCode: 'invalid_type',
    param: 'n',
  })
})

test.each([
  { says: 'an error object', body: { error: { message: 'no' } }, gives: 'upstream_error' },
  { says: 'a text', body: { error: 'no' }, gives: 'upstream_error' },
  { says: 'a list around it', body: [{ error: { code: 503, message: 'no' } }], gives: 'overloaded' },
  { says: 'Anthropic’s shape', body: claude('overloaded_error'), gives: 'overloaded' },
  { says: 'DashScope’s native shape', body: native('Throttling'), gives: 'rate_limited' },
  { says: 'Baidu’s flat shape', body: { error_code: 336003, error_msg: 'no' }, gives: 'upstream_error' },
  {
    says: 'MiniMax’s shape',
    body: { choices: null, base_resp: { status_code: 1004, status_msg: 'no' } },
    gives: 'upstream_error',
  },
  {
    says: 'choices that all ended in an error',
    body: { choices: [{ index: 0, finish_reason: 'insufficient_system_resource' }] },
    gives: 'overloaded',
  },
])('an answer with status 200 is an error: $says', ({ body, gives }) => {
  expect(dialects['openai-chat'].findError(body)?.class).toBe(gives)
})

test.each<[DialectName, unknown]>([
  ['openai-chat', { choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }], error: null }],
  ['openai-chat', { choices: [], base_resp: { status_code: 0 } }],
  ['openai-chat', { data: [{ embedding: [0] }], code: 200, message: 'success' }],
  ['openai-responses', { status: 'completed', output: [], error: null }],
  ['anthropic', { type: 'message', content: [], stop_reason: 'end_turn' }],
  ['gemini', { candidates: [{ finishReason: 'SAFETY' }], promptFeedback: {} }],
  ['gemini', []],
  ['gemini', null],
])('%s: an answer is no error: %j', (name, body) => {
  expect(dialects[name].findError(body)).toBeUndefined()
})

test('a failed response is an error, a blocked prompt is an answer that says so', () => {
  const failed = { status: 'failed', output: [], error: { code: 'rate_limit_exceeded', message: 'no' } }
  expect(dialects['openai-responses'].findError(failed)?.class).toBe('rate_limited')
  expect(dialects.gemini.findError({ promptFeedback: { blockReason: 'SAFETY' } })).toBeUndefined()
})
