import { type Environment, readEnvironment } from '#config'
import { openStore, type Store } from '#store'

export interface StoreWork {
  readonly store: Store
  readonly environment: Environment
}

/** Opens the store of the environment, its schema up to date, and closes it when `work` is done. */
export async function withStore<Result>(work: (parts: StoreWork) => Promise<Result>): Promise<Result> {
  const environment = readEnvironment()
  const store = await openStoreOf(environment, { migrate: true })
  try {
    return await work({ store, environment })
  } finally {
    await store.close()
  }
}

export function openStoreOf(
  { store: location }: Environment,
  options: { readonly migrate: boolean },
): Promise<Store> {
  return location.kind === 'sqlite'
    ? openStore({ sqlitePath: location.path, ...options })
    : openStore({ dsn: location.url, ...options })
}
