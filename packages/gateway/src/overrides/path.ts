/** One step of a path: a member's name or an element's number, or `*`, all of them. */
export type Segment = { readonly kind: 'name'; readonly name: string } | { readonly kind: 'all' }
export type Path = readonly Segment[]

/** Numbers beyond this in a path would have the gateway write as many nulls. */
const pathIndexMax = 1_000

type PathReading =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'refused'; readonly allowed: string }

/**
 * New API's paths: names between dots, `\` before a sign that is meant as it is, `-1` the last element, `*` as a whole segment
 * every element or member. The queries and modifiers of gjson (`#(…)`, `@…`, `|`) are refused rather than misread.
 */
export function parsePath(text: string): PathReading {
  const segments: Segment[] = []
  let name = ''
  let isEscaped = false
  const finish = (): string | undefined => {
    const allowed = isEscaped ? undefined : refusalOf(name)
    segments.push(!isEscaped && name === '*' ? { kind: 'all' } : { kind: 'name', name })
    name = ''
    isEscaped = false
    return allowed
  }
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? ''
    if (sign === '\\' && at + 1 < text.length) {
      name += text[++at]
      isEscaped = true
    } else if (sign === '.') {
      const allowed = finish()
      if (allowed !== undefined) return { kind: 'refused', allowed }
    } else name += sign
  }
  const allowed = finish()
  return allowed === undefined ? { kind: 'path', path: segments } : { kind: 'refused', allowed }
}

function refusalOf(name: string): string | undefined {
  if (name === '') return 'a path without empty segments, like messages.0.content'
  if (name !== '*' && /[*?]/.test(name))
    return 'a path in which * stands for a whole segment; \\* and \\? are the signs themselves'
  if (/^[#@]|\|/.test(name))
    return 'a path of names, numbers and *: the queries and modifiers of gjson are not known here'
  if (/^-?\d+$/.test(name) && Math.abs(Number(name)) > pathIndexMax)
    return `a path whose numbers are at most ${pathIndexMax}`
  return undefined
}

export const wildcardsOf = (path: Path) => path.filter(({ kind }) => kind === 'all').length
