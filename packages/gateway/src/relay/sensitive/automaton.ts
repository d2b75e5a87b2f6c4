/** Finds any of many words in one pass: Aho–Corasick over UTF-16 units whose case was folded. Built once, then read only. */
export interface Automaton {
  /** From a state by a folded unit; `start` is where every text begins. */
  next(state: number, unit: number): number
  /** Whether a word ends in this state. */
  isEnd(state: number): boolean
}

export const start = 0

/**
 * The automaton of `words`, of which empty ones are left out. Some 50 bytes a character at most, and 256 KiB for the first step, which is where
 * a text without hits is nearly always.
 */
export function createAutomaton(words: readonly string[]): Automaton {
  const folded = words.map(foldText).filter(word => word !== '')
  const trie = new Trie(folded.reduce((sum, word) => sum + word.length, 1))
  for (const word of folded) trie.add(word)
  trie.link()
  return trie
}

class Trie implements Automaton {
  /** By unit: where the start leads. */
  readonly #first = new Int32Array(0x1_0000)
  /** An open hash table of all edges that do not begin at the start. */
  readonly #edgeStates: Int32Array
  readonly #edgeUnits: Uint16Array
  readonly #edgeTargets: Int32Array
  readonly #mask: number
  /** By state: the longest other state that is an end of what was read. */
  readonly #fallbacks: Int32Array
  readonly #ends: Uint8Array
  readonly #parents: Int32Array
  readonly #units: Uint16Array
  #states = 1

  constructor(statesMax: number) {
    const slots = 2 ** Math.ceil(Math.log2(statesMax * 2 + 1))
    this.#mask = slots - 1
    this.#edgeStates = new Int32Array(slots)
    this.#edgeUnits = new Uint16Array(slots)
    this.#edgeTargets = new Int32Array(slots)
    this.#fallbacks = new Int32Array(statesMax)
    this.#ends = new Uint8Array(statesMax)
    this.#parents = new Int32Array(statesMax)
    this.#units = new Uint16Array(statesMax)
  }

  add(word: string): void {
    let state = start
    for (let at = 0; at < word.length; at++) {
      const unit = word.charCodeAt(at)
      const known = this.#edge(state, unit)
      state = known === 0 ? this.#addState(state, unit) : known
    }
    this.#ends[state] = 1
  }

  /** Fallbacks, the short states first: a state's own is found from its parent's. */
  link(): void {
    for (const state of this.#byDepth()) {
      const parent = this.#parents[state] ?? start
      if (parent === start) continue
      const fallback = this.next(this.#fallbacks[parent] ?? start, this.#units[state] ?? 0)
      this.#fallbacks[state] = fallback
      if (this.#ends[fallback] === 1) this.#ends[state] = 1
    }
  }

  next(state: number, unit: number): number {
    let from = state
    while (from !== start) {
      const target = this.#edge(from, unit)
      if (target !== 0) return target
      from = this.#fallbacks[from] ?? start
    }
    return this.#first[unit] ?? start
  }

  isEnd(state: number): boolean {
    return this.#ends[state] === 1
  }

  /** 0, the start, is nobody's target: it stands for no edge. */
  #edge(state: number, unit: number): number {
    if (state === start) return this.#first[unit] ?? 0
    for (let slot = this.#slotOf(state, unit); ; slot = (slot + 1) & this.#mask) {
      const target = this.#edgeTargets[slot] ?? 0
      if (target === 0 || (this.#edgeStates[slot] === state && this.#edgeUnits[slot] === unit)) return target
    }
  }

  #slotOf(state: number, unit: number): number {
    const mixed = Math.imul(state, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)
    return (mixed ^ (mixed >>> 15)) & this.#mask
  }

  #addState(parent: number, unit: number): number {
    const state = this.#states++
    this.#parents[state] = parent
    this.#units[state] = unit
    if (parent === start) {
      this.#first[unit] = state
      return state
    }
    let slot = this.#slotOf(parent, unit)
    while (this.#edgeTargets[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#edgeStates[slot] = parent
    this.#edgeUnits[slot] = unit
    this.#edgeTargets[slot] = state
    return state
  }

  /** A parent was made before its children, so one pass gives the depths. */
  #byDepth(): Int32Array {
    const depths = new Int32Array(this.#states)
    for (let state = 1; state < this.#states; state++) {
      depths[state] = (depths[this.#parents[state] ?? start] ?? 0) + 1
    }
    const states = Int32Array.from({ length: this.#states - 1 }, (_, index) => index + 1)
    return states.sort((left, right) => (depths[left] ?? 0) - (depths[right] ?? 0))
  }
}

/** By UTF-16 unit: its lower case, where that is one unit too. Made when the first word is looked for: 128 KiB. */
let folds: Uint16Array | undefined

export function foldTable(): Uint16Array {
  folds ??= Uint16Array.from({ length: 0x1_0000 }, (_, unit) => {
    const lower = String.fromCharCode(unit).toLowerCase()
    return lower.length === 1 ? lower.charCodeAt(0) : unit
  })
  return folds
}

/** Unit by unit, so that a text and a word fold alike wherever they are cut. */
export function foldText(text: string): string {
  const table = foldTable()
  let folded = ''
  for (let at = 0; at < text.length; at++) folded += String.fromCharCode(table[text.charCodeAt(at)] ?? 0)
  return folded
}
