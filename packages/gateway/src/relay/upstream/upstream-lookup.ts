import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isMetadataAddress } from '#outbound'

/** A channel's address is the administrator's own and may be private, but never a cloud's metadata service. */
export class MetadataAddressError extends Error {
  override readonly name = 'MetadataAddressError'
  readonly code = 'YUMEN_METADATA_ADDRESS'
  readonly host: string
  constructor(host: string) {
    super(`${host} is a cloud's metadata service: no channel may lead there`)
    this.host = host
  }
}

type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Resolves for a new connection, and refuses what resolves to a metadata service: the connection goes to what was looked at, so a
 * second answer of the DNS has no effect. Paid by a connection, not by a request.
 */
export function createUpstreamLookup({
  onRefused,
  resolve = lookup,
}: {
  readonly onRefused: (error: MetadataAddressError) => void
  readonly resolve?: Resolve | undefined
}): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const [first] = addresses
      if (addresses.some(({ address }) => isMetadataAddress(address))) {
        const refusal = new MetadataAddressError(host)
        onRefused(refusal)
        callback(refusal, [])
      } else if (first === undefined) callback(new Error(`${host} has no address`), [])
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
