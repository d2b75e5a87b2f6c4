import { expect } from 'vitest'
import type { Stage } from '../faults/load.ts'

/** After all that was done to it the gateway serves, has met no bug, and ends in order. */
export async function endUnharmed(stage: Stage): Promise<void> {
  try {
    expect(await (await fetch(`${stage.gateway.url}/livez`)).text()).toBe('ok\n')
    expect(stage.gateway.output()).not.toContain('internal error')
    expect(await stage.gateway.stop()).toBe(0)
  } finally {
    await stage.close()
  }
}
