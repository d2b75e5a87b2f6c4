import { aliModels } from './ali-models.ts'
import { versionHeaders } from './anthropic.ts'
import { type Ask, bearer, defineProvider, type Endpoints, type MemberEdit } from './provider.ts'
import { headerOf, isOn, textSetting } from './settings.ts'

const compatible = '/compatible-mode/v1'
const chat: Endpoints = {
  chat: `${compatible}/chat/completions`,
  completions: `${compatible}/completions`,
  embeddings: `${compatible}/embeddings`,
}
const responses: Endpoints = { chat: `${compatible}/responses` }
const messages: Endpoints = { chat: '/apps/anthropic/v1/messages' }

/**
 * Alibaba Cloud Model Studio (Bailian, DashScope). A key belongs to one region and one billing plan; the base
 * URL is the host alone: `dashscope.aliyuncs.com` (Beijing), `dashscope-intl.` (Singapore), `dashscope-us.`
 * (Virginia), `cn-hongkong.dashscope.` (Hong Kong), `{WorkspaceId}.{region}.maas.aliyuncs.com`, the token
 * plan's `token-plan.{region}.maas.aliyuncs.com`, or the coding plan's
 * `coding(-intl).dashscope.aliyuncs.com`. Source: help.aliyun.com/en/model-studio, "Create a response" and
 * "Anthropic-compatible Messages", read 2026-11-25; the rest from spec/providers-a.md §17.
 */
export const ali = defineProvider({
  id: 'ali',
  number: 17,
  name: 'Alibaba Cloud Model Studio',
  baseUrl: 'https://dashscope.aliyuncs.com',
  speaks: { 'openai-chat': chat, 'openai-responses': responses, anthropic: messages },
  path,
  cleanBaseUrl,
  auth: bearer(),
  headers,
  edits: ask =>
    ask.dialect === 'anthropic' ? { top_p: clampTopP } : { top_p: clampTopP, extra_body: flatten },
  traits: { asksStreamUsage: true },
  models: aliModels,
  modelsPath: `${compatible}/models`,
})

/** The coding plan has chat and messages only, and no `/compatible-mode` before `/v1`. */
function path(ask: Ask): string | undefined {
  if (ask.dialect === 'anthropic') return speaksMessages(ask.model) ? messages[ask.operation] : undefined
  const endpoints = ask.dialect === 'openai-responses' ? responses : chat
  if (!isCodingPlan(ask.baseUrl)) return endpoints[ask.operation]
  return endpoints === chat && ask.operation === 'chat' ? '/v1/chat/completions' : undefined
}

/**
 * Cuts what people paste behind the host: `/compatible-mode/v1`, `/api/v1`, `/apps/anthropic`, and `/v1` of
 * the coding plan.
 */
function cleanBaseUrl(url: string): string {
  const host = url.replace(/\/(compatible-mode|compatible-api|api\/v\d|apps)(\/.*)?$/, '')
  return isCodingPlan(host) ? host.replace(/([^/])\/v1(\/.*)?$/, '$1') : host
}

const isCodingPlan = (url: string) => /^https?:\/\/coding(-intl)?\.dashscope\.aliyuncs\.com(\/|$)/.test(url)

/** Text models of these families answer on the Anthropic endpoint; the others are reached by conversion. */
const messagesFamilies = ['qwen', 'qwq', 'qvq', 'deepseek', 'kimi', 'glm', 'minimax-m']
const otherwise = ['qwen-image', 'qwen-mt', 'qwen-long', 'asr', 'tts', 'omni', 'embedding', 'rerank', 'audio']

function speaksMessages(model: string): boolean {
  const name = model.toLowerCase()
  return (
    messagesFamilies.some(family => name.includes(family)) && !otherwise.some(part => name.includes(part))
  )
}

/**
 * Settings: `other` or `dashscope_plugin`, `dashscope_workspace`, `dashscope_data_inspection`,
 * `dashscope_session_cache`.
 */
function headers(ask: Ask, client: (name: string) => string | undefined): readonly string[] {
  const cachesSession = ask.dialect === 'openai-responses' && isOn(ask, 'dashscope_session_cache')
  return [
    ...headerOf('x-dashscope-sse', ask.isStreaming ? 'enable' : undefined),
    ...headerOf('x-dashscope-plugin', textSetting(ask, 'dashscope_plugin', 'other')),
    ...headerOf('x-dashscope-workspace', textSetting(ask, 'dashscope_workspace')),
    ...headerOf('x-dashscope-datainspection', textSetting(ask, 'dashscope_data_inspection')),
    ...headerOf('x-dashscope-session-cache', cachesSession ? 'enable' : undefined),
    ...(ask.dialect === 'anthropic' ? versionHeaders(client) : []),
  ]
}

/**
 * Model Studio refuses what is not 0 < top_p ≤ 1. Zero means greedy to OpenAI clients; this is what New API
 * makes of it.
 */
const topPMin = 0.001

function clampTopP(value: unknown): MemberEdit {
  if (typeof value !== 'number' || (value > 0 && value <= 1)) return { kind: 'keep' }
  return { kind: 'set', value: value > 1 ? 1 : topPMin }
}

/** The OpenAI SDK flattens `extra_body` itself; clients that send it literally mean the same. */
function flatten(value: unknown): MemberEdit {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return { kind: isObject ? 'spread' : 'keep' }
}
