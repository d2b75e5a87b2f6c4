import { Worker } from 'node:worker_threads'

export interface TokenCounter {
  /** Tokens by the tokenizer of OpenAI's newer models; a rough count when the tokenizer cannot answer in time. */
  count(question: Countable): Promise<Tokens>
  close(): Promise<void>
}

/** A request body in JSON, of which the texts within count, and a plain text; '' where there is nothing to count. */
export interface Countable {
  readonly body: string
  readonly text: string
}

export interface Tokens {
  readonly body: number
  readonly text: number
}

export interface TokenCounterParts {
  readonly limits: {
    readonly tokenCountsPendingMax: number
    readonly tokenCountCharsMax: number
    readonly tokenCountTimeoutMs: number
    readonly tokenWorkerIdleMs: number
  }
  readonly onFailure: (error: unknown) => void
}

interface Pending {
  readonly question: Countable
  readonly resolve: (tokens: Tokens) => void
  readonly deadline: number
}

/** A thread of its own that is started when it is first needed and goes when nobody asks: its tables take some 50 MB. */
export function createTokenCounter({ limits, onFailure }: TokenCounterParts): TokenCounter {
  const pending = new Map<number, Pending>()
  let worker: Worker | undefined
  let lastId = 0
  let lastUsedAt = 0
  const sweep = setInterval(() => {
    const now = performance.now()
    const isStuck = [...pending.values()].some(({ deadline }) => now > deadline)
    if (isStuck || (pending.size === 0 && now - lastUsedAt > limits.tokenWorkerIdleMs)) stop()
  }, 1_000)
  sweep.unref()

  function answer(id: number, tokens: Tokens | undefined): void {
    const waiting = pending.get(id)
    pending.delete(id)
    waiting?.resolve(tokens ?? roughly(waiting.question))
  }

  function answerAll(): void {
    for (const id of [...pending.keys()]) answer(id, undefined)
  }

  function start(): Worker {
    const started = new Worker(new URL('./token-worker.ts', import.meta.url))
    started.unref()
    started.on('message', ({ id, tokens }: { id: number; tokens: Tokens }) => answer(id, tokens))
    started.on('error', error => {
      onFailure(error)
      worker = undefined
      answerAll()
    })
    return started
  }

  /** Also for one that is stuck on a text: who waits behind it gets rough counts, the next question a new thread. */
  function stop(): void {
    const stopping = worker
    worker = undefined
    answerAll()
    stopping?.terminate().catch(onFailure)
  }

  return {
    count(question) {
      if (question.body === '' && question.text === '') return Promise.resolve({ body: 0, text: 0 })
      const isTooLong = question.body.length + question.text.length > limits.tokenCountCharsMax
      if (isTooLong || pending.size >= limits.tokenCountsPendingMax) return Promise.resolve(roughly(question))
      worker ??= start()
      lastUsedAt = performance.now()
      const id = ++lastId
      const { promise, resolve } = Promise.withResolvers<Tokens>()
      pending.set(id, { question, resolve, deadline: lastUsedAt + limits.tokenCountTimeoutMs })
      worker.postMessage({ id, question })
      return promise
    },
    async close() {
      clearInterval(sweep)
      answerAll()
      await worker?.terminate()
    },
  }
}

/** Images and files in base64, as they stand in a JSON body. */
const dataStrings = /"(?:data:[^"]*|[A-Za-z0-9+/=]{512,})"/g

function roughly({ body, text }: Countable): Tokens {
  return { body: roughCount(body.replace(dataStrings, '')), text: roughCount(text) }
}

/** Characters that make a token, about: four of Latin script, one and a half of others. */
export function roughCount(text: string): number {
  let wide = 0
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x2e7f) wide++
  return Math.ceil((text.length - wide) / 4 + wide / 1.5)
}
