/** Every way a run can end, with its exit code. docs/exit-codes.md is checked against this table. */
export const exitCodes = {
  unexpected: 1,
  usage: 2,
  incomplete: 3,
  'engine-unreachable': 10,
  'not-found': 11,
  conflict: 12,
  unauthorized: 13,
  refused: 14,
  damaged: 20,
  unverifiable: 21,
  unhealthy: 22,
  'io-failed': 30,
  locked: 31,
  'wrong-key': 32,
  'rolled-back': 40,
  'rollback-incomplete': 41,
  'failed-after-commit': 42,
  interrupted: 130,
  terminated: 143,
} as const

export type ErrorCode = keyof typeof exitCodes

/** What each code means, in the words of `dray help` and docs/exit-codes.md. */
export const exitMeanings: Record<ErrorCode, string> = {
  unexpected: 'a bug in dray',
  usage: 'wrong arguments',
  incomplete: 'done, but something that should have been captured or cleaned was not: it is listed',
  'engine-unreachable': 'no engine answers at the address',
  'not-found': 'the container, backup, file or image does not exist',
  conflict: 'a name, port, network, path or volume is taken, or is not empty',
  unauthorized: 'not authorised, or no permission',
  refused: 'the engine or registry refused the request',
  damaged: 'the archive, backup or repository is damaged',
  unverifiable: 'the file cannot be verified, or is not an image',
  unhealthy: 'a drill or a health check failed',
  'io-failed': 'a transfer, or reading or writing, failed',
  locked: 'the repository is locked by another run',
  'wrong-key': 'the key is wrong or missing',
  'rolled-back': 'failed; everything was undone',
  'rollback-incomplete': 'failed, and the undoing failed too: what is left is listed',
  'failed-after-commit': 'failed after the new container went live',
  interrupted: 'interrupted (SIGINT), after everything was undone',
  terminated: 'terminated (SIGTERM), after everything was undone',
}
