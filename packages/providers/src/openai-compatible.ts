import { cutCall, isCloudflareGateway } from './base-url.ts'
import { bearer, defineProvider } from './provider.ts'
import { headerOf, textSetting } from './settings.ts'

/** A path that ends in a version (`/v1`, `/api/paas/v4`), or in `/openai` behind one (`/v1beta/openai`). */
const hasVersion = /[^/]\/v\d+[a-z0-9.]*(\/openai)?$/

/**
 * Any address that speaks OpenAI Chat. Its base URL gets a `/v1` unless it has a version already, so that
 * both ways of writing it down work; the endpoints follow. No number: New API has no such type.
 */
export const openaiCompatible = defineProvider({
  id: 'openai-compatible',
  name: 'OpenAI-compatible',
  speaks: {
    'openai-chat': {
      chat: '/chat/completions',
      completions: '/completions',
      embeddings: '/embeddings',
      moderations: '/moderations',
    },
  },
  cleanBaseUrl: url => {
    const root = cutCall(url)
    return hasVersion.test(root) || isCloudflareGateway(root) ? root : `${root}/v1`
  },
  auth: bearer(),
  headers: ask => headerOf('openai-organization', textSetting(ask, 'openai_organization')),
  traits: { asksStreamUsage: true },
  models: [],
  modelsPath: '/models',
})
