export { faults } from './faults.ts'
export type { SeenRequest, Simulator, SimulatorOptions } from './simulator.ts'
export { startSimulator } from './simulator.ts'
