import { expect, test } from 'vitest'
import { parseStat, parseStatus, sampleTree, treeOf } from './processes.ts'

const tail = '4194304 115 0 0 0 30 12 5 3 20 0 1 0 68849 3133440 394 18446744073709551615'

test('fields are counted from the last bracket of the name', () => {
  expect(parseStat(`5058 (a (b) c) S 5050 5049 3525 0 -1 ${tail}`)).toEqual({
    pid: 5058,
    parent: 5050,
    group: 5049,
    cpuTicks: 50,
  })
})

test('a process that ended has no stat and no memory', () => {
  expect(parseStat('')).toBeUndefined()
  expect(parseStatus('Name:\tnode\nState:\tZ (zombie)\n')).toEqual({ rssKb: 0, peakRssKb: 0 })
})

test('memory is read from VmRSS and VmHWM', () => {
  const text = 'Name:\tnode\nVmPeak:\t 9000 kB\nVmHWM:\t  210 kB\nVmRSS:\t  200 kB\nRssAnon:\t 1 kB\n'
  expect(parseStatus(text)).toEqual({ rssKb: 200, peakRssKb: 210 })
})

test('a tree holds grandchildren, in whatever order they are listed, and orphans of the group', () => {
  const stat = (pid: number, parent: number, group: number) => ({ pid, parent, group, cpuTicks: 0 })
  const stats = [stat(30, 20, 99), stat(20, 10, 10), stat(10, 1, 10), stat(40, 1, 10), stat(50, 1, 50)]
  expect(treeOf(10, stats).map(each => each.pid)).toEqual([30, 20, 10, 40])
})

test('our own process can be sampled', () => {
  const sample = sampleTree(process.pid)
  expect(sample.processes).toBeGreaterThanOrEqual(1)
  expect(sample.rssMb).toBeGreaterThan(10)
  expect(sample.cpuMs).toBeGreaterThan(0)
})

test('a process that is gone cannot be measured', () => {
  expect(() => sampleTree(2 ** 30)).toThrow('is gone')
})
