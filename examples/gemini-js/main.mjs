import { GoogleGenAI } from '@google/genai'

const client = new GoogleGenAI({
  apiKey: process.env.YUMEN_KEY,
  httpOptions: { baseUrl: process.env.YUMEN_URL ?? 'http://localhost:3000' },
})

const stream = await client.models.generateContentStream({
  model: process.env.YUMEN_MODEL ?? 'gemini-2.5-flash',
  contents: 'Say hello.',
})
for await (const chunk of stream) process.stdout.write(chunk.text ?? '')
console.log()
