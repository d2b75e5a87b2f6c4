import type { Fault } from '../fault.ts'

/** Rules of when: another fault may follow, else it is a 500. */
export const rulesFaults = {
  first: {
    on: 'times',
    about: 'Only the first N requests for this model fail.',
    number: { means: 'requests', fallback: 1 },
    isDue: (number, earlier) => earlier < number,
  },
  after: {
    on: 'times',
    about: 'The first N requests for this model succeed, all later ones fail.',
    number: { means: 'requests', fallback: 1 },
    isDue: (number, earlier) => earlier >= number,
  },
  flaky: {
    on: 'times',
    about: 'N percent of the requests for this model fail, evenly spread, the first one among them.',
    number: { means: 'percent', fallback: 50 },
    isDue: (number, earlier) =>
      Math.ceil(((earlier + 1) * number) / 100) > Math.ceil((earlier * number) / 100),
  },
} as const satisfies Record<string, Fault>
