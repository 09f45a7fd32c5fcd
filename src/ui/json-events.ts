/** Every line of `--json`, by its kind, with what it says. docs/json-events.md is checked against this table. */
export const jsonEventMeanings = {
  plan: 'the `steps` that a migration is going to take: `step` events follow for each',
  step: 'a step began or ended: `state` is `started`, `done`, `skipped` or `failed`',
  transfer: 'how far a transfer is, every second (`state` is `running`), and its end (`done`)',
  note: 'something worth knowing that is as it should be',
  warning: 'something to look at; the run goes on',
  undo: 'a step was undone after a failure; with `problem`, it could not be',
  cleanup: 'something temporary was removed; with `problem`, it could not be',
  entry: 'an entry of a mount that `ls`, `find` or `diff` has found',
  error: 'why the run failed; also on stderr',
  result: 'the last line of every run: `ok`, `exitCode`, and what the command found or made, or `error`',
} as const

export type JsonEvent = { readonly event: keyof typeof jsonEventMeanings } & Readonly<Record<string, unknown>>
