import { bodyFaults } from './faults/tables/body.ts'
import { connectionFaults } from './faults/tables/connection.ts'
import { contentFaults } from './faults/tables/content.ts'
import { errorsFaults } from './faults/tables/errors.ts'
import { eventsFaults } from './faults/tables/events.ts'
import { rulesFaults } from './faults/tables/rules.ts'
import { timeFaults } from './faults/tables/time.ts'

/** Every fault by name: `sim-fault-<name>`, with a number `sim-fault-<name>-<number>`. In the README too. */
export const faults = {
  ...rulesFaults,
  ...errorsFaults,
  ...connectionFaults,
  ...timeFaults,
  ...bodyFaults,
  ...eventsFaults,
  ...contentFaults,
}
