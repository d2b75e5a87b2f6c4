import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({
  baseURL: process.env.YUMEN_URL ?? 'http://localhost:3000',
  apiKey: process.env.YUMEN_KEY,
})

const stream = client.messages.stream({
  model: process.env.YUMEN_MODEL ?? 'claude-sonnet-4-6',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Say hello.' }],
})
stream.on('text', text => process.stdout.write(text))
const { usage } = await stream.finalMessage()
console.log(`\n${usage.input_tokens} tokens in, ${usage.output_tokens} out`)
