import { createRequire } from 'node:module'

type Re2 = typeof import('re2js')
type Pattern = ReturnType<Re2['RE2JS']['compile']>

const load = createRequire(import.meta.url)

/** RE2, whose time grows with the text alone; loaded by the first channel that has a pattern, as it takes 6 MB. */
function loadRe2(): Re2 {
  return load('re2js')
}

/** `undefined` where the text is no RE2 pattern (look-around and back references are none). */
export function compilePattern(
  text: string,
  options: { readonly ignoresCase?: true } = {},
): Pattern | undefined {
  const { RE2JS, RE2JSSyntaxException } = loadRe2()
  try {
    return RE2JS.compile(text, options.ignoresCase === true ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return undefined
    throw error
  }
}

/** Whether the pattern is found anywhere in the text. */
export const isFound = (pattern: Pattern, text: string) => pattern.matcher(text).find()

/** Every match replaced by Go's template: `$1`, `${1}`, `$name`, `${name}`, `$$`. A group that is not there is empty. */
export function replaceAll(pattern: Pattern, text: string, template: string): string {
  const matcher = pattern.matcher(text)
  const names = pattern.namedGroups()
  const count = pattern.groupCount()
  let result = ''
  let from = 0
  while (matcher.find()) {
    const groupOf = (name: string): string => {
      if (/^\d+$/.test(name)) return Number(name) <= count ? (matcher.group(Number(name)) ?? '') : ''
      return Object.hasOwn(names, name) ? (matcher.group(name) ?? '') : ''
    }
    result += text.slice(from, matcher.start())
    result += template.replace(
      /\$(?:\$|\{(\w+)\}|(\w+))/g,
      (sign, braced: string | undefined, bare: string | undefined) =>
        sign === '$$' ? '$' : groupOf(braced ?? bare ?? ''),
    )
    from = matcher.end()
  }
  return result + text.slice(from)
}
