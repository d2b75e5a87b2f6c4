export type IssuePath = readonly (string | number)[]

/** Something in a channel's setting that is not allowed: where, and what would be. */
export interface OverrideIssue {
  readonly path: IssuePath
  readonly allowed: string
}

/** Gathers issues while a setting is read. */
export class Issues {
  readonly found: OverrideIssue[] = []

  /** Answers `undefined`, so that a reader can return it. */
  add(path: IssuePath, allowed: string): undefined {
    this.found.push({ path, allowed })
    return undefined
  }
}
