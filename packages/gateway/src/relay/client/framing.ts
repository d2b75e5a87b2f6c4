import type { DialectName } from '@yumen/protocol'
import type { Target } from '../route.ts'

/** How events are written to a client: as they came, or as elements of one JSON array. */
export interface Framing {
  readonly contentType: string
  /** An event as it came → what the client is sent. */
  frame(event: { readonly bytes: Buffer; readonly data: string }): Buffer | string
  /** Events that the gateway writes itself: complete SSE text. */
  frameOwn(sse: string): string
  readonly ping: (own: string) => string
  /** What ends a stream that ran to its end. `hasTerminator`: the upstream has sent the dialect's own. */
  end(hasTerminator: boolean): string
}

const terminators: Readonly<Record<DialectName, string>> = {
  'openai-chat': 'data: [DONE]\n\n',
  'openai-responses': '',
  anthropic: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  gemini: '',
}

export function createFraming(target: Target): Framing {
  return target.framing === 'json-array' && target.dialect === 'gemini'
    ? createArrayFraming()
    : createSseFraming(target.dialect)
}

function createSseFraming(dialect: DialectName): Framing {
  return {
    contentType: 'text/event-stream; charset=utf-8',
    frame: event => event.bytes,
    frameOwn: sse => sse,
    ping: own => own,
    end: hasTerminator => (hasTerminator ? '' : terminators[dialect]),
  }
}

/** Google's answer to `streamGenerateContent` without `alt=sse`: the elements of one array, as they come. */
function createArrayFraming(): Framing {
  let isFirst = true
  const element = (data: string) => {
    const text = `${isFirst ? '[' : ',\r\n'}${data}`
    isFirst = false
    return text
  }
  return {
    contentType: 'application/json; charset=utf-8',
    frame: event => (event.data === '' ? '' : element(event.data)),
    frameOwn: sse => `${element(sse.replace(/^data: /, '').trimEnd())}]`,
    ping: () => '\n',
    end: () => (isFirst ? '[]' : ']'),
  }
}
