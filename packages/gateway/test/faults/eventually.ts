export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Asks again until there is a value that holds; fails with what was found last. */
export async function eventually<Value>(
  read: () => Value | undefined | Promise<Value | undefined>,
  holds: (value: Value | undefined) => boolean = value => value !== undefined,
  withinMs = 5_000,
): Promise<Value> {
  const endsAt = performance.now() + withinMs
  for (;;) {
    const value = await read()
    if (value !== undefined && holds(value)) return value
    if (performance.now() > endsAt) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(value)}`)
    await sleep(20)
  }
}
