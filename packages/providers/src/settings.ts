import type { Ask } from './provider.ts'

/**
 * The first of the settings `names` that says something, as one line of text; objects as JSON. For headers
 * and queries.
 */
export function textSetting({ settings }: Ask, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = settings[name]
    if (value === undefined || value === null || value === false) continue
    const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\s+/g, ' ').trim()
    if (text !== '') return text
  }
  return undefined
}

/** Whether a setting is switched on. */
export const isOn = ({ settings }: Ask, name: string) => settings[name] === true

/** A header, flat, where there is a value for it. */
export const headerOf = (name: string, value: string | undefined): readonly string[] =>
  value === undefined || value === '' ? [] : [name, value]
