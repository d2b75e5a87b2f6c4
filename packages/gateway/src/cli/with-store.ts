import { type Environment, readEnvironment } from '#config'
import { openStoreAt, type Store } from '#store'

export interface StoreWork {
  readonly store: Store
  readonly environment: Environment
}

/** Opens the store of the environment, its schema up to date, and closes it when `work` is done. */
export async function withStore<Result>(work: (parts: StoreWork) => Promise<Result>): Promise<Result> {
  const environment = readEnvironment()
  const store = await openStoreAt(environment.store, { migrate: true })
  try {
    return await work({ store, environment })
  } finally {
    await store.close()
  }
}
