import type { Member, ScannedObject } from './scan.ts'

/** Bytes `start` to `end` (exclusive) give way to `text`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * `bytes` with the edits made, as pieces in order: untouched pieces are views, not copies. Never in place, since the next
 * attempt edits the same body again. Edits must not overlap.
 */
export function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer[] {
  if (edits.length === 0) return [bytes]
  const ordered =
    edits.length === 1
      ? edits
      : [...edits].sort((one, other) => one.start - other.start || one.end - other.end)
  const pieces: Buffer[] = []
  let from = 0
  for (const edit of ordered) {
    if (edit.start < from) throw new RangeError('edits overlap')
    if (edit.start > from) pieces.push(bytes.subarray(from, edit.start))
    if (edit.text !== '') pieces.push(Buffer.from(edit.text))
    from = edit.end
  }
  if (from < bytes.length) pieces.push(bytes.subarray(from))
  return pieces
}

/** Another value for one member; the key is written anew when its bytes were not its name. */
export function setMember(member: Member, value: unknown): Edit {
  const text = JSON.stringify(value)
  if (!member.isEscaped) return { start: member.valueStart, end: member.valueEnd, text }
  return { start: member.keyStart, end: member.valueEnd, text: `${JSON.stringify(member.name)}:${text}` }
}

/** Takes whole members out, each run with the comma that no longer separates anything. */
export function removeMembers(object: ScannedObject, isRemoved: (member: Member) => boolean): Edit[] {
  const { members } = object
  const edits: Edit[] = []
  for (let first = 0; first < members.length; first++) {
    if (!isRemovedAt(members, first, isRemoved)) continue
    let last = first
    while (isRemovedAt(members, last + 1, isRemoved)) last++
    edits.push(removeRun(members, first, last))
    first = last
  }
  return edits
}

/** New members behind the last one. */
export function addMembers(object: ScannedObject, added: Readonly<Record<string, unknown>>): Edit {
  const text = Object.entries(added)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(',')
  const end = object.end - 1
  return { start: end, end, text: object.members.length > 0 ? `,${text}` : text }
}

function isRemovedAt(
  members: readonly Member[],
  index: number,
  isRemoved: (member: Member) => boolean,
): boolean {
  const member = members[index]
  return member !== undefined && isRemoved(member)
}

function removeRun(members: readonly Member[], first: number, last: number): Edit {
  const before = members[first - 1]
  const after = members[last + 1]
  const head = members[first]
  const tail = members[last]
  if (head === undefined || tail === undefined) throw new RangeError('no such member')
  if (before !== undefined) return { start: before.valueEnd, end: tail.valueEnd, text: '' }
  return { start: head.keyStart, end: after === undefined ? tail.valueEnd : after.keyStart, text: '' }
}
