import { both, type FaultClass, survived, told } from '../outcome.ts'

export const status: FaultClass = {
  title: 'Refusals',
  about:
    'Errors with their own status, in the form of the protocol. What the client itself can mend is told to it and asks no other channel; all else is the operator’s business.',
  rows: [
    { fault: 'status-400', ...both(told('invalid_request')) },
    { fault: 'status-401', ...both(survived) },
    { fault: 'status-402', ...both(survived) },
    { fault: 'status-403', ...both(survived) },
    {
      fault: 'status-404',
      ...both({ rest: survived, but: { chat: told('invalid_request'), responses: told('invalid_request') } }),
      note: 'Anthropic and Google say 404 of a model that is not there, which another channel may have. OpenAI has the code `model_not_found` for that (`model-missing`): its other 404s are about what the request names.',
    },
    { fault: 'status-408', ...both(survived) },
    { fault: 'status-409', ...both(told('invalid_request')) },
    { fault: 'status-413', ...both(told('payload_too_large')) },
    { fault: 'status-422', ...both(told('invalid_request')) },
    { fault: 'status-429', ...both(survived) },
    { fault: 'rate-limited', ...both(survived) },
    { fault: 'rate-limited-date', ...both(survived) },
    { fault: 'rate-limited-ms', ...both(survived) },
    { fault: 'status-500', ...both(survived) },
    { fault: 'status-502', ...both(survived) },
    { fault: 'status-503', ...both(survived) },
    { fault: 'status-504', ...both(survived) },
    { fault: 'status-520', ...both(survived) },
    { fault: 'status-529', ...both(survived) },
    { fault: 'overloaded', ...both(survived) },
    { fault: 'quota-gone', ...both(survived) },
    { fault: 'key-revoked', ...both(survived) },
    { fault: 'model-missing', ...both(survived) },
    { fault: 'region-blocked', ...both(survived) },
    {
      fault: 'content-filter',
      ...both({
        rest: told('content_policy'),
        but: { gemini: told('in the answer', { charged: 'what the upstream stated' }) },
      }),
      note: 'Google blocks a prompt by an answer with status 200 that says so in `promptFeedback`, and states the prompt as usage. It passes as it is.',
    },
    { fault: 'context-too-long', ...both(told('context_length')) },
  ],
}
