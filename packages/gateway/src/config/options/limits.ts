import { isFlag, wholeBetween } from '../checks.ts'
import {
  isMapOf,
  isRateLimit,
  isRequestCounts,
  type RateLimit,
  type RequestCounts,
  rateLimitWords,
  requestCountMax,
} from '../rate-limits.ts'

const none: RateLimit = {}
const noneByName: Readonly<Record<string, RateLimit>> = {}
const noneByTwoNames: Readonly<Record<string, Readonly<Record<string, RateLimit>>>> = {}
const noCounts: Readonly<Record<string, RequestCounts>> = {}
const by = (what: string) => `an object: ${what} → ${rateLimitWords}`

/** What users and organisations may ask for; a key's own limits stand in its `rateLimit`. The last five are New API's model limit. */
export const limitOptions = {
  'limits.user': {
    accepts: isRateLimit,
    fallback: none,
    allowed: rateLimitWords,
    about: 'Limits of each user, over all of its keys.',
  },
  'limits.userByGroup': {
    accepts: isMapOf(isRateLimit),
    fallback: noneByName,
    allowed: by('group'),
    about: 'Limits of each user of a group, in place of `limits.user`; `{}` lifts them.',
  },
  'limits.organisation': {
    accepts: isRateLimit,
    fallback: none,
    allowed: rateLimitWords,
    about: 'Limits of each organisation, over all of its keys.',
  },
  'limits.organisationByGroup': {
    accepts: isMapOf(isRateLimit),
    fallback: noneByName,
    allowed: by('group'),
    about: 'Limits of each organisation of a group, in place of `limits.organisation`; `{}` lifts them.',
  },
  'limits.userModel': {
    accepts: isMapOf(isRateLimit),
    fallback: noneByName,
    allowed: by('model name or pattern like claude-*'),
    about:
      'Limits of each user for some models: an exact name before any pattern, then the longest pattern. Models of one pattern share its limits.',
  },
  'limits.userModelByGroup': {
    accepts: isMapOf(isMapOf(isRateLimit)),
    fallback: noneByTwoNames,
    allowed: by('group → model name or pattern'),
    about: 'The same for users of a group, in place of `limits.userModel`; `{}` lifts them.',
  },
  'limits.modelRequestsEnabled': {
    accepts: isFlag,
    fallback: false,
    allowed: 'true or false',
    about: "New API's limit of model requests per user: turns the next four on.",
  },
  'limits.modelRequestsDurationMinutes': {
    accepts: wholeBetween(1, 1_440),
    fallback: 1,
    allowed: 'whole minutes from 1 to 1440',
    about: 'The duration that the counts are for.',
  },
  'limits.modelRequestsCount': {
    accepts: wholeBetween(0, requestCountMax),
    fallback: 0,
    allowed: `a whole number from 0 to ${requestCountMax}`,
    about: 'Requests of a user in the duration, failed ones too; 0: not limited.',
  },
  'limits.modelRequestsSuccessCount': {
    accepts: wholeBetween(0, requestCountMax),
    fallback: 1_000,
    allowed: `a whole number from 0 to ${requestCountMax}`,
    about: 'Successful requests of a user in the duration; 0: not limited.',
  },
  'limits.modelRequestsGroup': {
    accepts: isMapOf(isRequestCounts),
    fallback: noCounts,
    allowed: `an object: group → [all, successful], each a whole number from 0 to ${requestCountMax}`,
    about: "Both counts by group (the key's own, else its user's), in place of the two above.",
  },
}
