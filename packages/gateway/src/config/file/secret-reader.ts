import type { EnvironmentSource } from '../env.ts'
import type { SecretSource } from './schema-parts.ts'
import { type FileIssue, formatPath, type Path, type Position } from './yaml-source.ts'

export type ReadFile = (path: string) => Promise<string>

interface SecretRule {
  readonly fits: (secret: string) => boolean
  readonly allowed: string
}

/** Follows references to secrets and gathers what is wrong with them. What it says never holds a secret. */
export interface SecretReader {
  readonly issues: readonly FileIssue[]
  read(source: SecretSource, path: Path, rule: SecretRule): Promise<string | undefined>
  refuse(path: Path, found: string, allowed: string): void
}

export interface SecretReaderParts {
  readonly env: EnvironmentSource
  readonly readFile: ReadFile
  readonly locate: (path: Path) => Position
}

export function createSecretReader({ env, readFile, locate }: SecretReaderParts): SecretReader {
  const issues: FileIssue[] = []
  const refuse = (path: Path, found: string, allowed: string) => {
    issues.push({ ...locate(path), path: formatPath(path), found, allowed })
  }
  const find = async (source: SecretSource, path: Path): Promise<string | undefined> => {
    if (typeof source === 'string') return source
    if ('env' in source) {
      const value = env[source.env]?.trim()
      if (value) return value
      refuse(
        path,
        `{ env: ${source.env} }, which is not set`,
        'the name of a variable that is set and not empty',
      )
      return undefined
    }
    const content = await readText(readFile, source.file)
    if (content.kind === 'text' && content.text !== '') return content.text
    const why = content.kind === 'text' ? 'which is empty' : `which cannot be read (${content.code})`
    refuse(path, `{ file: ${source.file} }, ${why}`, 'the path of a file that holds the secret')
    return undefined
  }
  return {
    issues,
    refuse,
    async read(source, path, { fits, allowed }) {
      const secret = await find(source, path)
      if (secret === undefined || fits(secret)) return secret
      refuse(path, `a text of ${secret.length} characters`, allowed)
      return undefined
    },
  }
}

type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly code: string }

async function readText(readFile: ReadFile, path: string): Promise<FileText> {
  try {
    return { kind: 'text', text: (await readFile(path)).trim() }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { kind: 'failed', code: String(error.code) }
    throw error
  }
}
