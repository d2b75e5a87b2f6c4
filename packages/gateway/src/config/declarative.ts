/**
 * The declarative file, loaded when it is asked for: YAML and the file's schema cost 9 MB and 40 ms, and the gateway
 * that serves never reads one.
 */
type File = typeof import('./file/file.ts')
type Export = typeof import('./export/export.ts')

export const readDeclarativeFile: File['readDeclarativeFile'] = async parts =>
  (await import('./file/file.ts')).readDeclarativeFile(parts)

export const exportState: Export['exportState'] = async parts =>
  (await import('./export/export.ts')).exportState(parts)
