import type { PassingEvent } from '../upstream/streamed.ts'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const feed = Buffer.from('\n')

/**
 * The upstream's chunks may end between CR and LF of a blank line; the event is over then, and its LF begins the next one.
 * Clients look for CRLF CRLF (`@google/genai` 3.3), and nothing may come after the last event: the LF is put where it belongs.
 */
export class LineEnds {
  #lacksFeed = false

  mend(event: PassingEvent): PassingEvent {
    const { bytes } = event
    const own = this.#lacksFeed && bytes[0] === lineFeed ? bytes.subarray(1) : bytes
    this.#lacksFeed = own.at(-1) === carriageReturn && own.at(-2) === lineFeed
    if (this.#lacksFeed) return { ...event, bytes: Buffer.concat([own, feed]) }
    return own === bytes ? event : { ...event, bytes: own }
  }
}
