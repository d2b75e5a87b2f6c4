import type { Asked } from '../ask.ts'
import type { Protocol, Trouble } from '../refusal.ts'
import type { Frame, Item, Reply, Step } from '../reply.ts'
import type { Script } from '../script.ts'

export interface Place {
  /** The number in the fault's name, or its fallback. */
  readonly number: number
  readonly protocol: Protocol
  readonly asked: Asked
  readonly script: Script
}

/** One way to fail. It changes what it names and leaves the rest of the answer right. */
export interface Fault {
  readonly about: string
  /** Where it shows. Elsewhere the answer is a plain one. */
  readonly on: 'any' | 'stream' | 'whole' | 'chat' | 'chat stream' | 'tools stream' | 'times'
  readonly number?: { readonly means: string; readonly fallback: number }
  /** Answers with an error instead; `undefined` where this protocol shows it in another way. */
  readonly refuse?: (number: number, protocol: Protocol) => Trouble | undefined
  readonly script?: (script: Script, number: number) => Script
  readonly reply?: (reply: Reply, place: Place) => Reply
  /** Makes it a rule of when: the fault named after it, or a 500, happens when this says so. */
  readonly isDue?: (number: number, earlier: number) => boolean
}

/** Changes what a stream is made of; a whole answer stays as it is. */
export function withItems(reply: Reply, change: (items: Iterable<Item>) => Iterable<Item>): Reply {
  if (reply.body.kind === 'whole') return reply
  return { ...reply, body: { ...reply.body, items: change(reply.body.items) } }
}

/** Puts others in the place of each event, or none. */
export function withFrames(reply: Reply, change: (frame: Frame, index: number) => readonly Item[]): Reply {
  return withItems(reply, function* (items) {
    let index = 0
    for (const item of items) {
      if (item.kind === 'frame') yield* change(item, index++)
      else yield item
    }
  })
}

export function withText(reply: Reply, change: (text: string) => string): Reply {
  if (reply.body.kind === 'stream') return reply
  return { ...reply, body: { kind: 'whole', text: change(reply.body.text) } }
}

/** Changes the bytes before any wish for small pieces does. */
export function withPass(reply: Reply, pass: (steps: Iterable<Step>) => Iterable<Step>): Reply {
  return { ...reply, passes: [pass, ...reply.passes] }
}

export function withBefore(reply: Reply, ...steps: readonly Step[]): Reply {
  return { ...reply, before: [...reply.before, ...steps] }
}

export function withAfter(reply: Reply, ...steps: readonly Step[]): Reply {
  return { ...reply, after: [...reply.after, ...steps] }
}

/** Replaces a header, or adds it. */
export function withHeader(reply: Reply, name: string, value: string): Reply {
  return { ...reply, headers: [...reply.headers.filter(header => header[0] !== name), [name, value]] }
}
