/** One thing that is wrong with the configuration: where, what was found, what is allowed. */
export interface ConfigIssue {
  /** Name of an environment variable or option, or `file.yaml:12:5 channels[0].provider`. */
  readonly name: string
  /** As written; secrets are masked before they come here. */
  readonly found: string
  readonly allowed: string
}

/** The configuration cannot be used. `message` holds one line for each issue, fit for a terminal. */
export class ConfigError extends Error {
  readonly issues: readonly ConfigIssue[]
  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(formatIssue).join('\n'))
    this.name = 'ConfigError'
    this.issues = issues
  }
}

/** `PORT: found "abc", allowed: a whole number from 0 to 65535` */
function formatIssue({ name, found, allowed }: ConfigIssue): string {
  return `${name}: found ${found}, allowed: ${allowed}`
}

/** A value as an error message shows it: JSON, cut to one short line. */
export function showFound(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
