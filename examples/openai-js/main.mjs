import OpenAI from 'openai'

const client = new OpenAI({
  baseURL: `${process.env.YUMEN_URL ?? 'http://localhost:3000'}/v1`,
  apiKey: process.env.YUMEN_KEY,
})
const model = process.env.YUMEN_MODEL ?? 'gpt-4o-mini'

const answer = await client.chat.completions.create({
  model,
  messages: [{ role: 'user', content: 'Say hello.' }],
})
console.log(answer.choices[0].message.content)

const stream = await client.responses.create({ model, input: 'Count to three.', stream: true })
for await (const event of stream) {
  if (event.type === 'response.output_text.delta') process.stdout.write(event.delta)
}
console.log()
