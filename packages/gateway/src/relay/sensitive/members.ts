/** Members whose values say what a part is; longer ones are texts, whoever calls them so. */
export const labels: ReadonlySet<string> = new Set([
  ...['type', 'role', 'id', 'call_id', 'tool_call_id', 'tool_use_id', 'item_id', 'file_id', 'fileId'],
  ...['media_type', 'mime_type', 'mimeType', 'format', 'detail', 'status', 'cache_control', 'ttl'],
])

/** Names that stand in every request: a word that one of them holds (`content`, `parameters`) is not the client's. */
export const structural: ReadonlySet<string> = new Set([
  ...labels,
  ...['content', 'contents', 'text', 'input_text', 'output_text', 'name', 'refusal', 'reasoning', 'summary'],
  ...[
    'image_url',
    'url',
    'input_audio',
    'file',
    'file_data',
    'file_url',
    'filename',
    'image',
    'audio',
    'data',
  ],
  ...['source', 'title', 'context', 'citations', 'thinking', 'signature', 'input', 'output', 'is_error'],
  ...[
    'tool_calls',
    'function',
    'functions',
    'function_call',
    'arguments',
    'parameters',
    'description',
    'strict',
  ],
  ...['input_schema', 'json_schema', 'schema', 'properties', 'required', 'items', 'additionalProperties'],
  ...[
    'enum',
    'const',
    'default',
    'anyOf',
    'oneOf',
    'allOf',
    'not',
    '$ref',
    '$defs',
    '$schema',
    'definitions',
  ],
  ...[
    'minimum',
    'maximum',
    'minItems',
    'maxItems',
    'minLength',
    'maxLength',
    'pattern',
    'nullable',
    'examples',
  ],
  ...['parts', 'inlineData', 'inline_data', 'fileData', 'file_data', 'fileUri', 'file_uri', 'thought'],
  ...['thoughtSignature', 'thought_signature', 'functionCall', 'functionResponse', 'response', 'args'],
  ...['functionDeclarations', 'function_declarations', 'executableCode', 'codeExecutionResult', 'requests'],
])

/** Members that hold files in base64: `source.data`, `inlineData.data`, `image_url.url`, `file.file_data`, `input_audio.data`. */
export const files: ReadonlySet<string> = new Set([
  'data',
  'url',
  'image_url',
  'file_data',
  'file_url',
  'b64_json',
])
/** Of these some take base64 without a `data:` head; the others mean an address, or refuse it. */
export const bareFiles: ReadonlySet<string> = new Set(['data', 'b64_json'])
