/**
 * Knows the event that differs from an earlier one in its text alone, without parsing it: nearly every event of a stream.
 * Exact, not a guess: around the text the bytes are the same, and the text holds nothing that could end its JSON string or
 * mean something else in it; so a parser would find the same members with the same values.
 */
export class TextTemplate {
  #event = ''
  #head = ''
  #tail = ''

  /** `data`, which was parsed, holds `text` in a member named `key`. Forgets what it knew when that is not the only one. */
  learn(event: string, data: string, key: string, text: string): void {
    this.#head = ''
    const name = `"${key}"`
    const at = data.indexOf(name)
    if (at < 0 || data.includes(name, at + 1) || data.includes('\\')) return
    const start = data.indexOf('"', at + name.length) + 1
    if (start === 0 || !data.startsWith(text, start) || data[start + text.length] !== '"') return
    this.#event = event
    this.#head = data.slice(0, start)
    this.#tail = data.slice(start + text.length)
  }

  /** The text of `data`, never empty; `undefined` where only parsing can tell. */
  match(event: string, data: string): string | undefined {
    if (this.#head === '' || event !== this.#event) return undefined
    const end = data.length - this.#tail.length
    // Slices are compared by words, twice as fast as `startsWith`.
    if (end <= this.#head.length || data.slice(0, this.#head.length) !== this.#head) return undefined
    if (data.slice(end) !== this.#tail) return undefined
    const text = data.slice(this.#head.length, end)
    return needsParsing.test(text) ? undefined : text
  }
}

/** A quote, a backslash or a control character, which JSON does not allow inside a string as it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const needsParsing = /["\\\u0000-\u001f]/
