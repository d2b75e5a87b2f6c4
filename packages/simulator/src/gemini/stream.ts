import { inTurns } from '../openai-chat/stream.ts'
import type { Frame, FrameRole } from '../reply.ts'
import type { Script, Usage } from '../script.ts'
import { list, nothing, type Wire, wire } from '../wire.ts'
import {
  callPart,
  candidateWire,
  endMembers,
  headMembers,
  statePart,
  textPart,
  thoughtPart,
  usageWire,
} from './whole.ts'

/** Objects with one part each; every one states the usage so far, the last one the finish and all of it. */
export function* geminiFrames(script: Script): Generator<Frame> {
  yield* inTurns(Array.from({ length: script.choices }, (_, index) => candidateFrames(script, index)))
}

function* candidateFrames(script: Script, index: number): Generator<Frame> {
  const soFar = script.usage === undefined ? nothing : wire`,"usageMetadata":${promptOnly(script.usage)}`
  const send = (part: Wire) => object('delta', script, wire`${candidate([part], index, nothing)}${soFar}`)
  if (index === 0) {
    for (const thought of script.reasoning) yield send(thoughtPart(thought))
  }
  for (const text of script.text(index)) yield send(textPart(text))
  for (const [position, call] of script.calls.entries()) yield send(callPart(script, call, position))
  const isStated = index === 0 && script.reasoning.length > 0 && script.calls.length === 0
  const last = isStated ? statePart(script) : textPart('')
  const isLast = index === script.choices - 1
  const usage =
    isLast && script.usage !== undefined ? wire`,"usageMetadata":${usageWire(script.usage)}` : soFar
  yield object('finish', script, wire`${candidate([last], index, endMembers(script, index))}${usage}`)
}

function candidate(parts: readonly Wire[], index: number, tail: Wire): Wire {
  return wire`"candidates":${list([candidateWire({ parts, index, tail })])}`
}

function promptOnly(usage: Usage): Wire {
  return wire`{"promptTokenCount":${usage.input},"totalTokenCount":${usage.input},
    "promptTokensDetails":[{"modality":"TEXT","tokenCount":${usage.input}}]}`
}

function object(role: FrameRole, script: Script, members: Wire): Frame {
  return { kind: 'frame', role, event: undefined, data: wire`{${members},${headMembers(script)}}`.wire }
}
