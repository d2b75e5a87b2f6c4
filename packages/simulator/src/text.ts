const shortText = ['Hello', ' from', ' the', ' simulator', ',', ' all', ' is', ' well', ' here', '.']

const waves = [
  'the',
  'gate',
  'of',
  'jade',
  'stands',
  'in',
  'wind',
  'and',
  'sand',
  'while',
  'a',
  'flute',
  'plays',
  'on',
]

/** U+2028, joined emoji, combining accents, a flag, quotes, escapes: what naive readers break. */
const oddText = [
  '你好',
  '，世界',
  ' 👩‍👩‍👧',
  ' e\u0301',
  ' 🇯🇵',
  ' \u2028',
  ' 한국어',
  ' "quoted"',
  ' back\\slash',
  ' line\nbreak',
  ' ا',
  ' 𝕐',
  ' 😀',
]

const thoughts = ['Let', ' me', ' think', ' about', ' it', '.']

export const refusalText = ["I'm", ' sorry', ',', ' but', ' I', " can't", ' help', ' with', ' that', '.']

export function defaultDeltas(): readonly string[] {
  return shortText
}

export function oddDeltas(): readonly string[] {
  return oddText
}

export function thoughtDeltas(): readonly string[] {
  return thoughts
}

/** `count` words, one delta each, made on the way. */
export function* longDeltas(count: number): Generator<string> {
  for (let index = 0; index < count; index++) {
    yield `${index === 0 ? '' : ' '}${waves[index % waves.length]}`
  }
}

/** `text` in pieces of at most `size` code points. */
export function piecesOf(text: string, size: number): readonly string[] {
  const points = Array.from(text)
  const pieces: string[] = []
  for (let index = 0; index < points.length; index += size) {
    pieces.push(points.slice(index, index + size).join(''))
  }
  return pieces
}
