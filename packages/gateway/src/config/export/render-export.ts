import { Document, isMap, isScalar, isSeq, type Node, Scalar, visit } from 'yaml'

export interface Export {
  readonly content: Readonly<Record<string, unknown>>
  readonly hasSecrets: boolean
  /** What the file cannot say, for a comment. */
  readonly leftOut: readonly string[]
}

/**
 * The declarative file as people write it: short lists and maps on one line, texts in quotes only where YAML
 * needs them.
 */
export function renderExport({ content, hasSecrets, leftOut }: Export): string {
  const document = new Document(content)
  visit(document, {
    Map: (_, node) => flowWhenShort(node),
    Seq: (_, node) => flowWhenShort(node),
  })
  document.commentBefore = headOf(hasSecrets, leftOut)
  const sections = isMap(document.contents) ? document.contents.items : []
  for (const { key, value } of sections) {
    if (!isScalar(key)) continue
    if ((isMap(value) || isSeq(value)) && value.items.length > 0) value.flow = false
    key.spaceBefore = key.value !== 'apiVersion'
    const comment = comments[String(key.value)]
    if (comment !== undefined) key.commentBefore = comment
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

const comments: Readonly<Record<string, string>> = {
  users: ' Passwords are stored as hashes and are not exported. A balance counts for new users only.',
  apiKeys:
    ' Keys are stored as hashes and are not exported: where a key is new, `apply` makes and prints one.',
}

function headOf(hasSecrets: boolean, leftOut: readonly string[]): string {
  return [
    ' State of a Yumen, for `yumen apply -f`.',
    hasSecrets
      ? ' Holds secrets in clear: keep it safe.'
      : ' Credentials of channels are references: set these variables before `apply`.',
    ...leftOut.map(what => ` Left out, because another has its name: ${what.replace(/\p{Cc}/gu, ' ')}`),
  ].join('\n')
}

/** Only lists and maps of plain values; what is within a flow collection is flow too. */
function flowWhenShort(node: Node): void {
  if (!isMap(node) && !isSeq(node)) return
  const values: readonly unknown[] = isMap(node) ? node.items.map(({ value }) => value) : node.items
  const isPlain = values.every(value => value instanceof Scalar || isReference(value))
  const isNamed = isMap(node) && node.has('name')
  if (isPlain && !isNamed && JSON.stringify(node.toJSON()).length <= 100) node.flow = true
}

function isReference(value: unknown): boolean {
  return isMap(value) && value.items.length === 1 && value.has('env')
}
