export {
  clientHeaders,
  fitsHeaderValue,
  headerValueWords,
  mergeHeaders,
  resolveHeaders,
} from './headers.ts'
export type { Overrides } from './overrides.ts'
export {
  checkHeaderOverrideNames,
  checkParamOverride,
  isErrorStatus,
  mappableWords,
  readOverrides,
} from './overrides.ts'
export { applyParamOverride, ParamOverrideError } from './param-override.ts'
export { ReturnedError } from './return-error.ts'
export { systemPromptEdits } from './system-prompt.ts'
