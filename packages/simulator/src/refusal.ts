import type { Header } from './reply.ts'
import { raw, type Wire, wire } from './wire.ts'

export type Protocol = 'openai-chat' | 'openai-responses' | 'anthropic' | 'gemini'

interface ErrorShape {
  readonly message: string
  readonly openai: readonly [status: number, type: string, code: string | null]
  /** The third element is the message where it differs. */
  readonly anthropic: readonly [status: number, type: string, message?: string]
  readonly gemini: readonly [status: number, status: string, message?: string]
}

const notAvailable = 'The server is currently unavailable.'

/** Every error that the simulator answers with, as each protocol spells it. */
export const errorKinds = {
  invalid: shape(
    'Invalid request.',
    [400, 'invalid_request_error', null],
    [400, 'invalid_request_error'],
    [400, 'INVALID_ARGUMENT'],
  ),
  authentication: shape(
    'Incorrect API key provided.',
    [401, 'invalid_request_error', 'invalid_api_key'],
    [401, 'authentication_error'],
    [401, 'UNAUTHENTICATED'],
  ),
  keyRevoked: shape(
    'API key not valid. Please pass a valid API key.',
    [401, 'invalid_request_error', 'account_deactivated'],
    [401, 'authentication_error'],
    [400, 'INVALID_ARGUMENT'],
  ),
  billing: shape(
    'Payment is required.',
    [402, 'insufficient_quota', 'billing_hard_limit_reached'],
    [402, 'billing_error'],
    [402, 'RESOURCE_EXHAUSTED'],
  ),
  permission: shape(
    'You do not have access to this resource.',
    [403, 'invalid_request_error', 'permission_denied'],
    [403, 'permission_error'],
    [403, 'PERMISSION_DENIED'],
  ),
  region: shape(
    'Country, region, or territory not supported: User location is not supported for the API use.',
    [403, 'request_forbidden', 'unsupported_country_region_territory'],
    [403, 'forbidden'],
    [400, 'FAILED_PRECONDITION'],
  ),
  notFound: shape(
    'Not found.',
    [404, 'invalid_request_error', null],
    [404, 'not_found_error'],
    [404, 'NOT_FOUND'],
  ),
  modelNotFound: shape(
    'The model does not exist or you do not have access to it.',
    [404, 'invalid_request_error', 'model_not_found'],
    [404, 'not_found_error'],
    [404, 'NOT_FOUND'],
  ),
  methodNotAllowed: shape(
    'Method not allowed.',
    [405, 'invalid_request_error', 'method_not_supported'],
    [405, 'invalid_request_error'],
    [404, 'NOT_FOUND'],
  ),
  timeout: shape(
    'The request timed out.',
    [408, 'invalid_request_error', 'request_timeout'],
    [408, 'timeout_error'],
    [408, 'DEADLINE_EXCEEDED'],
  ),
  conflict: shape(
    'The request conflicts with another one.',
    [409, 'invalid_request_error', 'conflict'],
    [409, 'invalid_request_error'],
    [409, 'ABORTED'],
  ),
  tooLarge: shape(
    'Request payload size exceeds the limit.',
    [413, 'invalid_request_error', 'request_too_large'],
    [413, 'request_too_large'],
    [413, 'INVALID_ARGUMENT'],
  ),
  mediaType: shape(
    'Unsupported content type.',
    [415, 'invalid_request_error', 'unsupported_content_type'],
    [415, 'invalid_request_error'],
    [415, 'INVALID_ARGUMENT'],
  ),
  unprocessable: shape(
    'The request cannot be processed.',
    [422, 'invalid_request_error', 'unprocessable_entity'],
    [422, 'invalid_request_error'],
    [422, 'INVALID_ARGUMENT'],
  ),
  rateLimited: shape(
    'Rate limit reached for requests.',
    [429, 'requests', 'rate_limit_exceeded'],
    [429, 'rate_limit_error'],
    [429, 'RESOURCE_EXHAUSTED'],
  ),
  quota: shape(
    'You exceeded your current quota, please check your plan and billing details.',
    [429, 'insufficient_quota', 'insufficient_quota'],
    [
      400,
      'invalid_request_error',
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.',
    ],
    [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota. Quota exceeded for requests per day.'],
  ),
  contextLength: shape(
    "This model's maximum context length is 128000 tokens.",
    [400, 'invalid_request_error', 'context_length_exceeded'],
    [400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'],
    [
      400,
      'INVALID_ARGUMENT',
      'The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).',
    ],
  ),
  contentPolicy: shape(
    'The request was rejected as a result of our safety system, under our usage policy.',
    [400, 'invalid_request_error', 'content_policy_violation'],
    [400, 'invalid_request_error'],
    [400, 'INVALID_ARGUMENT'],
  ),
  stateInvalid: shape(
    'The encrypted content could not be verified.',
    [400, 'invalid_request_error', 'invalid_encrypted_content'],
    [400, 'invalid_request_error'],
    [400, 'INVALID_ARGUMENT'],
  ),
  stateNotFound: shape(
    'Previous response not found.',
    [400, 'invalid_request_error', 'previous_response_not_found'],
    [404, 'not_found_error'],
    [404, 'NOT_FOUND'],
  ),
  server: shape(
    'The server had an error while processing your request.',
    [500, 'server_error', null],
    [500, 'api_error'],
    [500, 'INTERNAL'],
  ),
  badGateway: shape('Bad gateway.', [502, 'server_error', null], [502, 'api_error'], [502, 'INTERNAL']),
  unavailable: shape(notAvailable, [503, 'server_error', null], [503, 'api_error'], [503, 'UNAVAILABLE']),
  gatewayTimeout: shape(
    'The upstream did not answer in time.',
    [504, 'server_error', null],
    [504, 'timeout_error'],
    [504, 'DEADLINE_EXCEEDED'],
  ),
  unknownOrigin: shape(
    'Web server is returning an unknown error.',
    [520, 'server_error', null],
    [520, 'api_error'],
    [520, 'UNKNOWN'],
  ),
  overloadedSite: shape(
    'Overloaded',
    [529, 'server_error', 'overloaded'],
    [529, 'overloaded_error'],
    [529, 'UNAVAILABLE'],
  ),
  overloaded: shape(
    'The engine is currently overloaded, please try again later.',
    [503, 'server_error', 'overloaded'],
    [529, 'overloaded_error'],
    [503, 'UNAVAILABLE'],
  ),
} as const satisfies Record<string, ErrorShape>

type ErrorKind = keyof typeof errorKinds

export interface Trouble {
  readonly kind: ErrorKind
  readonly message?: string | undefined
  readonly param?: string | undefined
  readonly code?: string | undefined
  readonly headers?: readonly Header[]
  /** The `details` of Google's error, as wire text. */
  readonly details?: Wire | undefined
}

/** What a request is told that a real upstream would refuse. Thrown by readers, caught once in `answer`. */
export class Refusal extends Error {
  readonly trouble: Trouble

  constructor(trouble: Trouble) {
    super(trouble.message ?? trouble.kind)
    this.name = 'Refusal'
    this.trouble = trouble
  }
}

export function refuse(message: string, param?: string, code?: string): never {
  throw new Refusal({ kind: 'invalid', message, param, code })
}

/** The status that `protocol` gives to this kind of error. */
export function statusOf(trouble: Trouble, protocol: Protocol): number {
  return errorKinds[trouble.kind][familyOf(protocol)][0]
}

/** The error body in the protocol's own words. */
export function renderTrouble(trouble: Trouble, protocol: Protocol, requestId: string): string {
  const kind = errorKinds[trouble.kind]
  const message = messageOf(trouble, protocol)
  switch (familyOf(protocol)) {
    case 'openai': {
      const [, type, code] = kind.openai
      return wire`{"error":{"message":${message},"type":${type},"param":${trouble.param ?? null},
        "code":${trouble.code ?? code}}}`.wire
    }
    case 'anthropic':
      return wire`{"type":"error","error":{"type":${kind.anthropic[1]},"message":${message}},
        "request_id":${requestId}}`.wire
    case 'gemini': {
      const [status, name] = kind.gemini
      const details = trouble.details === undefined ? raw('') : wire`,"details":${trouble.details}`
      return wire`{"error":{"code":${status},"message":${message},"status":${name}${details}}}`.wire
    }
  }
}

/** What it says: the trouble's own words, else those of the protocol, else those of the kind. */
export function messageOf({ kind, message }: Trouble, protocol: Protocol): string {
  const family = familyOf(protocol)
  const shape: ErrorShape = errorKinds[kind]
  const own = family === 'openai' ? undefined : shape[family][2]
  return message ?? own ?? shape.message
}

export function familyOf(protocol: Protocol): 'openai' | 'anthropic' | 'gemini' {
  return protocol === 'anthropic' || protocol === 'gemini' ? protocol : 'openai'
}

function shape(
  message: string,
  openai: ErrorShape['openai'],
  anthropic: ErrorShape['anthropic'],
  gemini: ErrorShape['gemini'],
): ErrorShape {
  return { message, openai, anthropic, gemini }
}
