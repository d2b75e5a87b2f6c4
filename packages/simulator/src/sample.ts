import { isList, isObject, type JsonObject } from './json.ts'

const depthMax = 16

/** Arguments that fit a JSON schema, always the same ones. Parallel calls differ by `index`. */
export function sampleArguments(schema: unknown, index: number): unknown {
  const value = sampleOf(schema, index, 0)
  return isObject(value) ? value : {}
}

function sampleOf(schema: unknown, index: number, depth: number): unknown {
  if (!isObject(schema) || depth > depthMax) return null
  if ('const' in schema) return schema.const
  if (isList(schema.enum) && schema.enum.length > 0) return schema.enum[index % schema.enum.length]
  const alternatives = schema.anyOf ?? schema.oneOf
  if (isList(alternatives)) return sampleOf(alternatives[0], index, depth + 1)
  switch (typeOf(schema)) {
    case 'object':
      return sampleObject(schema, index, depth)
    case 'array':
      return [sampleOf(schema.items ?? { type: 'string' }, index, depth + 1)]
    case 'integer':
      return index + 1
    case 'number':
      return index + 1.5
    case 'boolean':
      return index % 2 === 0
    case 'null':
      return null
    default:
      return `sample ${index + 1} “ü” \\ "q"`
  }
}

/** Google writes types in capitals; some schemas give a list of types. */
function typeOf(schema: JsonObject): string {
  const type = isList(schema.type) ? schema.type[0] : schema.type
  if (typeof type === 'string') return type.toLowerCase()
  return isObject(schema.properties) ? 'object' : 'string'
}

function sampleObject(schema: JsonObject, index: number, depth: number): JsonObject {
  const properties = isObject(schema.properties) ? schema.properties : {}
  const entries = Object.entries(properties).map(([name, property]) => [
    name,
    sampleOf(property, index, depth + 1),
  ])
  return Object.fromEntries(entries)
}
