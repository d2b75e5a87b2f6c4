/** What an API key may be limited to. */
export const keyEndpoints = [
  'chat',
  'completions',
  'responses',
  'messages',
  'gemini',
  'embeddings',
  'moderations',
  'images',
  'audio',
  'video',
  'rerank',
  'realtime',
  'files',
] as const
