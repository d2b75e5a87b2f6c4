import { StoreError } from '../../types.ts'
import type { Apply } from './context.ts'
import { differences, isEmpty, membersOf, updateColumns } from './members.ts'

const { plain } = membersOf<'groups'>()

export async function applyGroups(apply: Apply): Promise<void> {
  const { tx, db, desired, changes } = apply
  for (const group of desired.groups) {
    const row = await db.selectFrom('groups').selectAll().where('name', '=', group.name).executeTakeFirst()
    const members = [
      plain(['ratio', 'ratio'], group.ratio),
      plain(['description', 'description'], group.description),
    ]
    const difference = differences(row, members)
    if (isEmpty(difference)) continue
    await apply.revision('configuration')
    if (row === undefined) {
      const { name, ratio, description = '' } = group
      await db.insertInto('groups').values({ name, ratio, description }).execute()
      await apply.remember('group', name)
    } else await updateColumns(tx, { table: 'groups', key: ['name', group.name] }, difference.columns)
    const action = row === undefined ? 'create' : 'update'
    changes.push({ action, kind: 'group', name: group.name, fields: difference.fields })
  }
}

/**
 * The names of groups that exist now, after those of the file. Throws `invalid`, with the path, for any
 * other.
 */
export async function groupCheck({ db }: Apply): Promise<(name: string | undefined, path: string) => void> {
  const rows = await db.selectFrom('groups').select('name').orderBy('name').execute()
  const names = new Set(rows.map(row => row.name))
  return (name, path) => {
    if (name === undefined || names.has(name)) return
    throw new StoreError('invalid', `${path}: there is no group ${name}; there are ${[...names].join(', ')}`)
  }
}
