import { expect, test } from 'vitest'
import { sumEnded, sumMetrics, totalOf } from './sum-metrics.ts'

const family = (name: string, type: string, ...samples: string[]) =>
  `# HELP ${name} About ${name}.\n# TYPE ${name} ${type}\n${samples.join('\n')}`
const worker = (number: number, ...families: string[]) => ({
  worker: number,
  text: `${families.join('\n\n')}\n`,
})

test('counters are summed by their labels, also those that one worker alone has', () => {
  const sum = sumMetrics([
    worker(1, family('a_total', 'counter', 'a_total{class="ok"} 2', 'a_total{class="shed"} 1')),
    worker(2, family('a_total', 'counter', 'a_total{class="ok"} 40')),
  ])
  expect(sum).toBe(`${family('a_total', 'counter', 'a_total{class="ok"} 42', 'a_total{class="shed"} 1')}\n`)
})

test('histograms are summed bucket by bucket', () => {
  const times = (count: number) =>
    family('t', 'histogram', `t_bucket{le="0.1"} ${count}`, `t_bucket{le="+Inf"} ${count}`, `t_sum 0.5`)
  expect(sumMetrics([worker(1, times(2)), worker(2, times(3))])).toContain(
    't_bucket{le="0.1"} 5\nt_bucket{le="+Inf"} 5\nt_sum 1\n',
  )
})

test('open streams are summed, memory is told for each worker, of one file the largest size', () => {
  const gauges = (value: number) => [
    family('yumen_open_streams', 'gauge', `yumen_open_streams ${value}`),
    family('yumen_resident_bytes', 'gauge', `yumen_resident_bytes ${value}`),
    family('yumen_loop_delay_seconds', 'gauge', `yumen_loop_delay_seconds{quantile="0.5"} ${value}`),
    family('yumen_wal_bytes', 'gauge', `yumen_wal_bytes ${value}`),
  ]
  const lines = sumMetrics([worker(1, ...gauges(1)), worker(2, ...gauges(2))]).split('\n')
  expect(lines.filter(line => line !== '' && !line.startsWith('#'))).toEqual([
    'yumen_open_streams 3',
    'yumen_resident_bytes{worker="1"} 1',
    'yumen_resident_bytes{worker="2"} 2',
    'yumen_loop_delay_seconds{quantile="0.5",worker="1"} 1',
    'yumen_loop_delay_seconds{quantile="0.5",worker="2"} 2',
    'yumen_wal_bytes 2',
  ])
})

test('of workers that have ended what was counted stays, and what was measured goes', () => {
  const ended = sumEnded([
    worker(
      1,
      family('a_total', 'counter', 'a_total 7'),
      family('yumen_open_streams', 'gauge', 'yumen_open_streams 9'),
    ).text,
    worker(2, family('a_total', 'counter', 'a_total 5')).text,
    '',
  ])
  expect(
    sumMetrics([
      { worker: undefined, text: ended },
      worker(
        1,
        family('a_total', 'counter', 'a_total 1'),
        family('yumen_open_streams', 'gauge', 'yumen_open_streams 2'),
      ),
    ]),
  ).toBe(
    `${family('a_total', 'counter', 'a_total 13')}\n\n${family('yumen_open_streams', 'gauge', 'yumen_open_streams 2')}\n`,
  )
})

test('a label may hold blanks, quotes and braces', () => {
  const sample = 'a_total{x="a \\"b\\" } c"}'
  const one = worker(1, family('a_total', 'counter', `${sample} 1`))
  expect(sumMetrics([one, one])).toContain(`${sample} 2`)
  expect(totalOf(one.text, 'a_total')).toBe(1)
  expect(totalOf(one.text, 'b_total')).toBe(0)
})
