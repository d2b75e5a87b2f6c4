export { adoptJournals } from './adopt.ts'
export type { BatchStore, Committer } from './committer.ts'
export { createCommitter, NodeLostError } from './committer.ts'
export { createFolder } from './folder.ts'
export type { Journal, Released } from './journal.ts'
export { createJournal } from './journal.ts'
export type {
  AttemptRecord,
  ChargeFacts,
  JournalRecord,
  RequestFacts,
  SettledRecord,
  Timings,
} from './record.ts'
export { encodeLine } from './segment.ts'
export type { SetAside } from './set-aside.ts'
export { createWriter } from './writer.ts'
