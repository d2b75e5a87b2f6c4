#!/bin/sh
# One question in each protocol that Yumen speaks.
set -eu
url=${YUMEN_URL:-http://localhost:3000}
key=${YUMEN_KEY:?set YUMEN_KEY to an API key of the gateway}

ask() { # path, body, headers …
  path=$1
  body=$2
  shift 2
  curl -sS --fail-with-body "$url$path" -H 'content-type: application/json' "$@" -d "$body"
  echo
}

echo '— OpenAI Chat Completions'
ask /v1/chat/completions '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hello."}]}' \
  -H "authorization: Bearer $key"

echo '— OpenAI Responses'
ask /v1/responses '{"model":"gpt-4o-mini","input":"Say hello."}' -H "authorization: Bearer $key"

echo '— Anthropic Messages'
ask /v1/messages '{"model":"claude-sonnet-4-6","max_tokens":100,"messages":[{"role":"user","content":"Say hello."}]}' \
  -H "x-api-key: $key" -H 'anthropic-version: 2023-06-01'

echo '— Google Gemini, as a stream'
ask '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse' '{"contents":[{"parts":[{"text":"Say hello."}]}]}' \
  -H "x-goog-api-key: $key"
