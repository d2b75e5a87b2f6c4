import { both, type FaultClass, served, survived, survivedAfter } from '../outcome.ts'

export const connection: FaultClass = {
  title: 'Connections',
  about: 'No connection, or none that lives until the answer.',
  rows: [
    {
      fault: 'dns-failure',
      address: 'no such name',
      about: 'The name of the upstream does not exist (`.invalid`).',
      ...both(survived),
    },
    {
      fault: 'connection-refused',
      address: 'closed port',
      about: 'Nobody listens at the port.',
      ...both(survived),
    },
    {
      fault: 'no-connection',
      address: 'port that takes no connection',
      about: 'The port neither takes nor refuses a connection.',
      ...both(survivedAfter('the connect limit')),
    },
    {
      fault: 'certificate-self-signed',
      address: 'self-signed certificate',
      about: 'The certificate is signed by nobody who is trusted.',
      ...both(survived),
    },
    {
      fault: 'tls-unanswered',
      address: 'TLS to a port without it',
      about: 'The address says `https`, the port speaks plain HTTP.',
      ...both(survived),
    },
    {
      fault: 'tls-expected',
      address: 'no TLS to a port with it',
      about: 'The address says `http`, the port speaks TLS.',
      ...both(survived),
    },
    { fault: 'reset-before-headers', ...both(survived) },
    { fault: 'close-before-headers', ...both(survived) },
    { fault: 'reset-in-headers', ...both(survived) },
    { fault: 'reset-after-headers', ...both(survived) },
    { fault: 'close-after-answer', address: 'own simulator', isSecond: true, ...both(served) },
    { fault: 'reset-after-answer', address: 'own simulator', isSecond: true, ...both(served) },
    { fault: 'forget-after-answer', address: 'own simulator', isSecond: true, ...both(survived) },
    { fault: 'not-http', ...both(survived) },
    { fault: 'http-1-0', ...both(served) },
    { fault: 'http-1-0-fault-empty-body', about: 'HTTP/1.0, and the end comes at once.', ...both(survived) },
    { fault: 'bad-chunk', ...both(survived) },
    { fault: 'huge-headers', ...both(survived) },
    { fault: 'early-hints', ...both(served) },
    { fault: 'continue-unasked', ...both(survived) },
  ],
}
