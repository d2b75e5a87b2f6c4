import { describeVariables, type EnvironmentSource } from './env.ts'
import { suggestName } from './suggest.ts'

/** New API's variables that Yumen knows and that change nothing here, yet or ever. */
const idleNames = [
  'LOG_SQL_DSN',
  'REDIS_POOL_SIZE',
  'MEMORY_CACHE_ENABLED',
  'SYNC_FREQUENCY',
  'NODE_TYPE',
  'NODE_NAME',
  'RELAY_IDLE_CONN_TIMEOUT',
  'RELAY_MAX_IDLE_CONNS',
  'RELAY_MAX_IDLE_CONNS_PER_HOST',
  'TLS_INSECURE_SKIP_VERIFY',
  'STREAM_SCANNER_MAX_BUFFER_MB',
  'ANONYMOUS_REQUEST_BODY_LIMIT_KB',
  'MAX_FILE_DOWNLOAD_MB',
  'FORCE_STREAM_OPTION',
  'CountToken',
  'GET_MEDIA_TOKEN',
  'GET_MEDIA_TOKEN_NOT_STREAM',
  'AZURE_DEFAULT_API_VERSION',
  'GEMINI_SAFETY_SETTING',
  'COHERE_SAFETY_SETTING',
  'ALI_ANTHROPIC_MESSAGES_MODELS',
  'DIFY_DEBUG',
  'ERROR_LOG_ENABLED',
  'CHANNEL_TEST_FREQUENCY',
  'CHANNEL_UPDATE_FREQUENCY',
  'POLLING_INTERVAL',
  'CHANNEL_UPSTREAM_MODEL_UPDATE_TASK_ENABLED',
  'BATCH_UPDATE_ENABLED',
  'BATCH_UPDATE_INTERVAL',
  'UPDATE_TASK',
  'TASK_QUERY_LIMIT',
  'TASK_TIMEOUT_MINUTES',
  'TASK_PRICE_PATCH',
  'GLOBAL_API_RATE_LIMIT_ENABLE',
  'GLOBAL_API_RATE_LIMIT',
  'GLOBAL_WEB_RATE_LIMIT_ENABLE',
  'GLOBAL_WEB_RATE_LIMIT',
  'CRITICAL_RATE_LIMIT_ENABLE',
  'CRITICAL_RATE_LIMIT',
  'SEARCH_RATE_LIMIT_ENABLE',
  'NOTIFY_LIMIT_COUNT',
  'NOTIFICATION_LIMIT_DURATION_MINUTE',
  'ENABLE_PPROF',
  'SQL_MAX_IDLE_CONNS',
  'SQL_MAX_OPEN_CONNS',
  'SQL_MAX_LIFETIME',
  'FRONTEND_BASE_URL',
  'GENERATE_DEFAULT_TOKEN',
  'TRUSTED_REDIRECT_DOMAINS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
] as const

export interface EnvironmentReview {
  /** Set, recognised, and without effect. */
  readonly idle: readonly string[]
  /** Set, `YUMEN_…`, and unknown: most likely a slip of the pen. With what is known. */
  readonly unknown: readonly { readonly name: string; readonly allowed: string }[]
}

/**
 * What of the environment does nothing. Names of channel keys (`YUMEN_CHANNEL_…`) belong to declarative
 * files.
 */
export function reviewEnvironment(source: EnvironmentSource): EnvironmentReview {
  const own = describeVariables()
    .map(({ name }) => name)
    .filter(name => name.startsWith('YUMEN_'))
  const unknown = Object.keys(source).filter(
    name => name.startsWith('YUMEN_') && !name.startsWith('YUMEN_CHANNEL_') && !own.includes(name),
  )
  return {
    idle: idleNames.filter(name => source[name] !== undefined && source[name] !== ''),
    unknown: unknown.map(name => ({ name, allowed: suggestName(name, own) })),
  }
}
