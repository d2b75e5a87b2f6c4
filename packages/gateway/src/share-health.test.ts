import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { HealthReport } from '#routing'
import { type Store, watchRevisions } from '#store'
import { shareHealth } from './share-health.ts'
import { describeStores } from './store/store-cases.ts'

const refused: HealthReport = {
  channelId: 7,
  channelRevision: 1,
  keyFingerprint: 'f',
  model: '',
  reason: 'key_refused',
  isNamed: false,
  forMs: 60_000,
}

describeStores('what nodes tell each other of channels', stores => {
  let store: Store
  const parts: { stop(): void }[] = []
  beforeEach(async () => {
    store = await stores.open(await stores.fresh())
  })
  afterEach(() => {
    for (const part of parts.splice(0)) part.stop()
  })

  async function join(node: string) {
    const heard: (readonly HealthReport[])[] = []
    const failures: unknown[] = []
    const onFailure = (error: unknown) => failures.push(error)
    const revisions = await watchRevisions({ store, pollMs: 20, onFailure })
    const sharing = shareHealth({
      store,
      revisions,
      routing: { hear: reports => heard.push(reports) },
      node,
      limits: { snapshotPollMs: 20, healthReportsMax: 100 },
      now: Date.now,
      onFailure,
    })
    parts.push(sharing, revisions)
    return { report: sharing.report, heard, failures }
  }

  test('what one has learned the other hears, and it does not hear itself', async () => {
    const [one, other] = [await join('one'), await join('other')]
    one.report(refused)
    await vi.waitFor(() => expect(other.heard.at(-1)).toHaveLength(1))
    const [told] = other.heard.at(-1) ?? []
    expect(told).toMatchObject({ channelId: 7, keyFingerprint: 'f', reason: 'key_refused', isNamed: false })
    expect(told?.forMs).toBeGreaterThan(50_000)
    await vi.waitFor(() => expect(one.heard.length).toBeGreaterThan(0))
    expect(one.heard.at(-1)).toEqual([])
    expect([one.failures, other.failures]).toEqual([[], []])
  })

  test('what is well again is told too, and of one place the newest counts', async () => {
    const [one, other] = [await join('one'), await join('other')]
    one.report(refused)
    one.report({ ...refused, reason: 'key_out_of_quota' })
    await vi.waitFor(() => expect(other.heard.at(-1)).toMatchObject([{ reason: 'key_out_of_quota' }]))
    one.report({ ...refused, forMs: 0 })
    await vi.waitFor(() => expect(other.heard.at(-1)).toEqual([]))
  })

  test('what could not be told goes out when the store is back', async () => {
    const one = await join('one')
    const other = await join('other')
    const run = vi.spyOn(store, 'run').mockRejectedValue(new Error('away'))
    one.report(refused)
    await vi.waitFor(() => expect(one.failures.length).toBeGreaterThan(1))
    run.mockRestore()
    await vi.waitFor(() => expect(other.heard.at(-1)).toHaveLength(1))
  })
})
