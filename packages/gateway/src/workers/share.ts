/** The one with the fewest connections; of equals the one that was given to longest ago. Pure. */
export function pickWorker<Worker extends { readonly load: number; readonly givenAt: number }>(
  workers: Iterable<Worker>,
): Worker | undefined {
  let picked: Worker | undefined
  for (const worker of workers) {
    if (
      picked === undefined ||
      worker.load < picked.load ||
      (worker.load === picked.load && worker.givenAt < picked.givenAt)
    )
      picked = worker
  }
  return picked
}

/** How long to wait before the `count`-th start in a row that followed an early end. Pure. */
export function backOffMs(count: number): number {
  return Math.min(5_000, 100 * 2 ** (count - 1))
}
