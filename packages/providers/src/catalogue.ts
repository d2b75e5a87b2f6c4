import { ali } from './ali.ts'
import { anthropic } from './anthropic.ts'
import { azure } from './azure.ts'
import { custom } from './custom.ts'
import { gemini } from './gemini.ts'
import { notBuilt } from './not-built.ts'
import { openai } from './openai.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Provider } from './provider.ts'

const built: readonly Provider[] = [openai, azure, anthropic, gemini, ali, openaiCompatible, custom]

/** Every channel type that Yumen knows: those it can use first, then the others, which say why not. */
export const catalogue: readonly Provider[] = [...built, ...notBuilt]

const byName: ReadonlyMap<string | number, Provider> = new Map(
  catalogue.flatMap((provider): [string | number, Provider][] =>
    provider.number === undefined
      ? [[provider.id, provider]]
      : [
          [provider.id, provider],
          [provider.number, provider],
        ],
  ),
)

/** By a provider's id, or by New API's channel type number. */
export function findProvider(idOrNumber: string | number): Provider | undefined {
  return byName.get(idOrNumber)
}
