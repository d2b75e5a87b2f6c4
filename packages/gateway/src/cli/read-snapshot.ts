import { createSealer, loadSealingSecret, loadSnapshot, type Snapshot } from '#catalog'
import type { Environment } from '#config'
import type { Store } from '#store'
import { printWarning } from './output.ts'

/** The configuration as a gateway would read it now; what is broken is told and left out. */
export function readSnapshot(store: Store, environment: Environment): Promise<Snapshot> {
  return loadSnapshot({
    store,
    sealer: createSealer(loadSealingSecret(environment)),
    optionDefaults: environment.optionDefaults,
    now: Date.now(),
    onBroken: error => printWarning(error.message),
  })
}
