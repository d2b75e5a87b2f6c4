import {
  badGatewayPage,
  brokenCharacters,
  brokenGzip,
  emptyBody,
  envoyText,
  errorInBody,
  foreign,
  garbageBody,
  gzipped,
  loginPage,
  markedText,
  noGzip,
  notFoundPage,
  notFoundText,
  redirect,
  rewrite,
  soundGzip,
  streamForWhole,
  truncatedJson,
  wholeForStream,
  wrongType,
} from '../body.ts'
import type { Fault } from '../fault.ts'

/** The body as a whole. */
export const bodyFaults = {
  'html-502': {
    on: 'any',
    about: "A proxy's HTML page with status 502.",
    reply: foreign(502, 'text/html', badGatewayPage),
  },
  'html-200': {
    on: 'any',
    about: 'A login page with status 200.',
    reply: foreign(200, 'text/html; charset=utf-8', loginPage),
  },
  'html-404': {
    on: 'any',
    about: "A web server's HTML page with status 404: the address leads elsewhere.",
    reply: foreign(404, 'text/html', notFoundPage),
  },
  'text-404': {
    on: 'any',
    about: "A router's plain text with status 404.",
    reply: foreign(404, 'text/plain; charset=utf-8', notFoundText),
  },
  'text-503': {
    on: 'any',
    about: "A balancer's plain text with status 503.",
    reply: foreign(503, 'text/plain', envoyText),
  },
  'redirect-302': {
    on: 'any',
    about: 'Redirect to `/_redirected`, which `/_requests` shows if it is followed.',
    reply: redirect(302),
  },
  'redirect-301': { on: 'any', about: 'The redirect that says it is for ever.', reply: redirect(301) },
  'redirect-307': { on: 'any', about: 'The redirect that repeats the POST.', reply: redirect(307) },
  'error-in-200': {
    on: 'any',
    about: 'An error object as the body of a 200, for streams too.',
    reply: errorInBody,
  },
  'empty-body': { on: 'any', about: '200 and no body.', reply: emptyBody },
  'garbage-body': { on: 'any', about: '200 and a body that is neither JSON nor events.', reply: garbageBody },
  'truncated-json': {
    on: 'whole',
    about: 'JSON that ends too early, with a right length.',
    reply: truncatedJson,
  },
  'json-for-stream': {
    on: 'stream',
    about: 'A whole JSON answer where a stream was asked for.',
    reply: wholeForStream,
  },
  'stream-for-whole': {
    on: 'whole',
    about: 'A stream where a whole answer was asked for.',
    reply: streamForWhole,
  },
  'wrong-content-type': {
    on: 'any',
    about: 'A stream called `text/plain`, JSON called `text/html`.',
    reply: wrongType,
  },
  gzip: { on: 'any', about: 'Sound gzip, asked for or not.', reply: gzipped(soundGzip) },
  'gzip-invalid': { on: 'any', about: '`content-encoding: gzip` over a plain body.', reply: gzipped(noGzip) },
  'gzip-broken': { on: 'any', about: 'Gzip that turns to noise midway.', reply: gzipped(brokenGzip) },
  'utf8-broken': {
    on: 'any',
    about: 'Bytes in the text that are no UTF-8.',
    script: markedText,
    reply: brokenCharacters,
  },
  'huge-line': {
    on: 'any',
    about: 'All text in one piece of N MiB.',
    number: { means: 'MiB', fallback: 2 },
    script: (script, number) => ({ ...script, text: () => ['x'.repeat(number * 1024 * 1024)] }),
  },
  'deep-json': {
    on: 'any',
    about: 'A member nested N levels deep in the answer, or in each event.',
    number: { means: 'levels', fallback: 5000 },
    reply: (reply, { number }) =>
      rewrite(/^\{/, `{"deep":${'['.repeat(number)}${']'.repeat(number)},`)(reply),
  },
} as const satisfies Record<string, Fault>
