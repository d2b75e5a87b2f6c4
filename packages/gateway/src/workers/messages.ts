/** What the parent tells a worker. A connection comes with its socket beside the message. */
export type ToWorker =
  | { readonly kind: 'connection' }
  /** Take nothing new, let what is open end, then go: another worker has taken this one's place. */
  | { readonly kind: 'retire' }
  | { readonly kind: 'stop' }
  /** Asks for a sign of life. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'tell-metrics'; readonly ask: number }
  /** The sum over all workers that this worker asked for; `undefined` when it could not be made. */
  | { readonly kind: 'metrics-sum'; readonly ask: number; readonly text: string | undefined }

/** What a worker tells the parent. */
export type ToParent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'pong' }
  /** How many client connections are open; `isTaken` answers one `connection`, before a byte of it is read. */
  | { readonly kind: 'connections'; readonly open: number; readonly isTaken: boolean }
  | { readonly kind: 'metrics'; readonly ask: number; readonly text: string }
  | { readonly kind: 'ask-sum'; readonly ask: number }
  /** The last metrics of a worker that ends in order. */
  | { readonly kind: 'last-metrics'; readonly text: string }
