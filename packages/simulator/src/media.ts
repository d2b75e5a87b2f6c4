import { Buffer } from 'node:buffer'
import { refuse } from './refusal.ts'

const dataUrl = /^data:([a-z]+\/[a-z0-9.+-]+);base64,/

/** Describes an image given as `data:` or web address; anything else is refused. */
export function describeImageUrl(url: unknown, param: string): string {
  if (typeof url !== 'string')
    refuse(`Invalid type for '${param}': expected an image URL.`, param, 'invalid_type')
  if (/^https?:\/\//.test(url)) return url
  const match = dataUrl.exec(url)
  if (match === null)
    refuse(`Invalid '${param}': expected a base64-encoded data URL.`, param, 'invalid_value')
  return describeBase64(match[1], url.slice(match[0].length), param)
}

/** Describes inline media; base64 that is empty or broken is refused. */
export function describeBase64(type: unknown, base64: unknown, param: string): string {
  if (typeof type !== 'string') refuse(`${param}: the media type is required.`, param)
  if (typeof base64 !== 'string' || base64.length === 0 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) {
    refuse(`${param}: the data is not valid base64.`, param)
  }
  return `${type}, ${Buffer.from(base64, 'base64').length} bytes`
}
