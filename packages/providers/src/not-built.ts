import { bearer, defineProvider, type Provider } from './provider.ts'

type Row = readonly [number: number, id: string, name: string, baseUrl: string | undefined, instead: string]

const compatibleAt = (address: string) => `use openai-compatible with base URL ${address} instead`
const speaksOwn = 'its protocol is its own; use openai-compatible with a gateway that speaks OpenAI for it'
const tasksOnly =
  'it makes media by jobs, which arrive with the task routes; keep the channel disabled until then'
const retired = 'its service was retired; delete the channel'

/**
 * New API's channel types that Yumen knows but cannot use yet: imports keep them, with a word on what to do.
 */
const rows: readonly Row[] = [
  [0, 'unknown', 'Unknown', undefined, 'its type says nothing; choose openai-compatible if it speaks OpenAI'],
  [2, 'midjourney', 'Midjourney', 'https://oa.api2d.net', tasksOnly],
  [4, 'ollama', 'Ollama', 'http://localhost:11434', compatibleAt('http://localhost:11434/v1')],
  [5, 'midjourney-plus', 'MidjourneyPlus', 'https://api.openai-sb.com', tasksOnly],
  [6, 'openai-max', 'OpenAIMax', 'https://api.openaimax.com', compatibleAt('https://api.openaimax.com/v1')],
  [7, 'ohmygpt', 'OhMyGPT', 'https://api.ohmygpt.com', compatibleAt('https://api.ohmygpt.com/v1')],
  [9, 'ails', 'AILS', 'https://api.caipacity.com', compatibleAt('https://api.caipacity.com/v1')],
  [10, 'aiproxy', 'AIProxy', 'https://api.aiproxy.io', compatibleAt('https://api.aiproxy.io/v1')],
  [11, 'palm', 'PaLM', undefined, 'its service was retired; use gemini instead'],
  [12, 'api2gpt', 'API2GPT', 'https://api.api2gpt.com', compatibleAt('https://api.api2gpt.com/v1')],
  [13, 'aigc2d', 'AIGC2D', 'https://api.aigc2d.com', compatibleAt('https://api.aigc2d.com/v1')],
  [15, 'baidu', 'Baidu', 'https://aip.baidubce.com', compatibleAt('https://qianfan.baidubce.com/v2')],
  [16, 'zhipu', 'Zhipu', 'https://open.bigmodel.cn', compatibleAt('https://open.bigmodel.cn/api/paas/v4')],
  [18, 'xunfei', 'Xunfei', undefined, compatibleAt('https://spark-api-open.xf-yun.com/v1')],
  [19, '360', '360', 'https://api.360.cn', compatibleAt('https://api.360.cn/v1')],
  [20, 'openrouter', 'OpenRouter', 'https://openrouter.ai/api', compatibleAt('https://openrouter.ai/api/v1')],
  [21, 'aiproxy-library', 'AIProxyLibrary', 'https://api.aiproxy.io', retired],
  [
    22,
    'fastgpt',
    'FastGPT',
    'https://fastgpt.run/api/openapi',
    compatibleAt('https://fastgpt.run/api/openapi/v1'),
  ],
  [
    23,
    'tencent',
    'Tencent',
    'https://hunyuan.tencentcloudapi.com',
    compatibleAt('https://api.hunyuan.cloud.tencent.com/v1'),
  ],
  [25, 'moonshot', 'Moonshot', 'https://api.moonshot.cn', compatibleAt('https://api.moonshot.cn/v1')],
  [
    26,
    'zhipu-v4',
    'ZhipuV4',
    'https://open.bigmodel.cn',
    compatibleAt('https://open.bigmodel.cn/api/paas/v4'),
  ],
  [
    27,
    'perplexity',
    'Perplexity',
    'https://api.perplexity.ai',
    'use custom with base URL https://api.perplexity.ai/chat/completions instead',
  ],
  [
    31,
    'lingyiwanwu',
    'LingYiWanWu',
    'https://api.lingyiwanwu.com',
    compatibleAt('https://api.lingyiwanwu.com/v1'),
  ],
  [33, 'aws', 'AWS', undefined, speaksOwn],
  [34, 'cohere', 'Cohere', 'https://api.cohere.ai', compatibleAt('https://api.cohere.ai/compatibility/v1')],
  [35, 'minimax', 'MiniMax', 'https://api.minimax.chat', compatibleAt('https://api.minimax.chat/v1')],
  [36, 'suno', 'SunoAPI', undefined, tasksOnly],
  [37, 'dify', 'Dify', 'https://api.dify.ai', speaksOwn],
  [38, 'jina', 'Jina', 'https://api.jina.ai', compatibleAt('https://api.jina.ai/v1')],
  [
    39,
    'cloudflare',
    'Cloudflare',
    'https://api.cloudflare.com',
    compatibleAt('https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1'),
  ],
  [
    40,
    'siliconflow',
    'SiliconFlow',
    'https://api.siliconflow.cn',
    compatibleAt('https://api.siliconflow.cn/v1'),
  ],
  [41, 'vertex', 'VertexAI', undefined, 'use gemini with an AI Studio key instead'],
  [42, 'mistral', 'Mistral', 'https://api.mistral.ai', compatibleAt('https://api.mistral.ai/v1')],
  [43, 'deepseek', 'DeepSeek', 'https://api.deepseek.com', compatibleAt('https://api.deepseek.com/v1')],
  [44, 'moka', 'MokaAI', 'https://api.moka.ai', compatibleAt('https://api.moka.ai/v1')],
  [
    45,
    'volcengine',
    'VolcEngine',
    'https://ark.cn-beijing.volces.com',
    compatibleAt('https://ark.cn-beijing.volces.com/api/v3'),
  ],
  [
    46,
    'baidu-v2',
    'BaiduV2',
    'https://qianfan.baidubce.com',
    compatibleAt('https://qianfan.baidubce.com/v2'),
  ],
  [47, 'xinference', 'Xinference', undefined, compatibleAt('http://HOST:9997/v1')],
  [48, 'xai', 'xAI', 'https://api.x.ai', compatibleAt('https://api.x.ai/v1')],
  [49, 'coze', 'Coze', 'https://api.coze.cn', speaksOwn],
  [50, 'kling', 'Kling', 'https://api.klingai.com', tasksOnly],
  [51, 'jimeng', 'Jimeng', 'https://visual.volcengineapi.com', tasksOnly],
  [52, 'vidu', 'Vidu', 'https://api.vidu.cn', tasksOnly],
  [53, 'submodel', 'Submodel', 'https://llm.submodel.ai', compatibleAt('https://llm.submodel.ai/v1')],
  [54, 'doubao-video', 'DoubaoVideo', 'https://ark.cn-beijing.volces.com', tasksOnly],
  [55, 'sora', 'Sora', 'https://api.openai.com', tasksOnly],
  [56, 'replicate', 'Replicate', 'https://api.replicate.com', speaksOwn],
  [57, 'codex', 'Codex', 'https://chatgpt.com', 'use openai with an API key instead'],
]

export const notBuilt: readonly Provider[] = rows.map(([number, id, name, baseUrl, instead]) =>
  defineProvider({
    id,
    number,
    name,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    speaks: {},
    auth: bearer(),
    traits: { asksStreamUsage: false },
    models: [],
    modelsPath: undefined,
    unavailable: `${name} channels are not built yet; ${instead}`,
  }),
)
