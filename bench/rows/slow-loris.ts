import { connect, type Socket } from 'node:net'
import { type Measure, type Row, withSubject } from '../bench.ts'
import { sleep } from '../clock.ts'
import { runSlice, type Slice, type Work, whole1k } from '../slices.ts'
import { median, type Pair, ratios } from '../statistics.ts'
import type { Running } from '../systems.ts'
import { notesOf } from './compare.ts'

/** They come from another address than the clients that are measured. */
const attackerAddress = '127.0.0.66'

export const slowLorisRow: Row = {
  name: 'slow-loris',
  about:
    '1 KB at half of full load, alone and beside 2,000 sockets that send a byte a second, and open again when closed',
  run: bench =>
    withSubject(bench, { way: 'plain' }, async subject => {
      const full = { ...whole1k, connections: bench.scale.connections }
      await runSlice(bench, subject, full, bench.scale.warmMs)
      const peak = await runSlice(bench, subject, full, bench.scale.sliceMs)
      const perSecond = Math.round(peak.requestsPerSecond / 2)
      const work: Work = { ...whole1k, connections: 256, pace: { kind: 'rate', perSecond } }
      const pairs: Pair<Slice>[] = []
      let attackedMax = 0
      for (let index = 0; index < bench.scale.pairs; index++) {
        const calm = await runSlice(bench, subject, work, bench.scale.sliceMs)
        const attack = startAttack(subject)
        await sleep(1_500) // until all are open
        const attacked = await runSlice(bench, subject, work, bench.scale.sliceMs)
        attackedMax = Math.max(attackedMax, attack.open())
        await attack.stop()
        pairs.push({ floor: calm, subject: attacked })
      }
      return {
        measures: measuresOf(pairs, attackedMax),
        notes: [
          `at ${perSecond} requests per second; the column of the floor is the gateway without the attack`,
          ...notesOf(pairs, bench),
        ],
        raw: { peak, perSecond, pairs },
      }
    }),
}

function measuresOf(pairs: readonly Pair<Slice>[], open: number): readonly Measure[] {
  const latency = (name: string, read: (slice: Slice) => number): Measure => {
    const ratio = ratios(pairs, read)
    const middle = (side: keyof Pair<Slice>) => median(pairs.map(pair => read(pair[side]))) / 1000
    return {
      name,
      unit: '×',
      value: ratio.median,
      spread: ratio,
      floor: { value: middle('floor'), unit: 'ms' },
      subject: { value: middle('subject'), unit: 'ms' },
    }
  }
  return [
    { ...latency('p99 beside the attack against alone', slice => slice.load.latency.p99Us), limit: 2 },
    latency('p50 beside the attack against alone', slice => slice.load.latency.p50Us),
    { name: 'sockets of the attack open', unit: '', value: open },
  ]
}

const sockets = 2_000
const turnsPerSecond = 50
const head =
  'POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\nx-slow: '

/** Each socket begins a request and sends a byte of its headers a second; one that is closed is opened again a second later. */
function startAttack({ port }: Running) {
  const open = new Set<Socket>()
  let isOver = false
  const dial = () => {
    if (isOver) return
    const socket = connect({ port, host: '127.0.0.1', localAddress: attackerAddress })
    socket.on('connect', () => {
      open.add(socket)
      socket.write(head)
    })
    socket.on('error', () => undefined)
    socket.resume()
    socket.on('close', () => {
      open.delete(socket)
      if (!isOver) setTimeout(dial, 1_000)
    })
  }
  for (let index = 0; index < sockets; index++) setTimeout(dial, (index / sockets) * 1_000)
  // A part of them at a time: all at once would be a burst, not slowness.
  let turn = 0
  const timer = setInterval(() => {
    turn = (turn + 1) % turnsPerSecond
    let index = 0
    for (const socket of open) if (index++ % turnsPerSecond === turn) socket.write('x')
  }, 1_000 / turnsPerSecond)
  return {
    open: () => open.size,
    async stop() {
      isOver = true
      clearInterval(timer)
      for (const socket of open) socket.destroy()
      await sleep(500)
    },
  }
}
