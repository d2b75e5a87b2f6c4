import { Worker } from 'node:worker_threads'

export interface TokenCounter {
  /** Tokens of each text, by the tokenizer of OpenAI's newer models; a rough count when the tokenizer cannot answer in time. */
  count(texts: readonly string[]): Promise<number[]>
  close(): Promise<void>
}

export interface TokenCounterParts {
  readonly limits: {
    readonly tokenCountsPendingMax: number
    readonly tokenCountTimeoutMs: number
    readonly tokenWorkerIdleMs: number
  }
  readonly onFailure: (error: unknown) => void
}

interface Pending {
  readonly texts: readonly string[]
  readonly resolve: (counts: number[]) => void
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
    for (const [id, { deadline }] of pending) if (now > deadline) answer(id, undefined)
    if (pending.size === 0 && now - lastUsedAt > limits.tokenWorkerIdleMs) stop()
  }, 1_000)
  sweep.unref()

  function answer(id: number, counts: number[] | undefined): void {
    const waiting = pending.get(id)
    pending.delete(id)
    waiting?.resolve(counts ?? waiting.texts.map(roughCount))
  }

  function start(): Worker {
    const started = new Worker(new URL('./token-worker.ts', import.meta.url))
    started.unref()
    started.on('message', ({ id, counts }: { id: number; counts: number[] }) => answer(id, counts))
    started.on('error', error => {
      onFailure(error)
      worker = undefined
      for (const id of [...pending.keys()]) answer(id, undefined)
    })
    return started
  }

  function stop(): void {
    const stopping = worker
    worker = undefined
    stopping?.terminate().catch(onFailure)
  }

  return {
    count(texts) {
      if (texts.every(text => text === '')) return Promise.resolve(texts.map(() => 0))
      if (pending.size >= limits.tokenCountsPendingMax) return Promise.resolve(texts.map(roughCount))
      worker ??= start()
      lastUsedAt = performance.now()
      const id = ++lastId
      const { promise, resolve } = Promise.withResolvers<number[]>()
      pending.set(id, { texts, resolve, deadline: lastUsedAt + limits.tokenCountTimeoutMs })
      worker.postMessage({ id, texts })
      return promise
    },
    async close() {
      clearInterval(sweep)
      for (const id of [...pending.keys()]) answer(id, undefined)
      await worker?.terminate()
    },
  }
}

/** Characters that make a token, about: four of Latin script, one and a half of others. */
export function roughCount(text: string): number {
  let wide = 0
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x2e7f) wide++
  return Math.ceil((text.length - wide) / 4 + wide / 1.5)
}
