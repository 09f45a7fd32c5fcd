import type { StepObserver } from '../pipeline/pipeline.ts'

/** One transfer whose progress is shown: bytes so far, and the whole when it is known. */
export interface Transfer {
  add(bytes: number): void
  /** Sets what is to come in all, when that becomes known later. */
  expect(totalBytes: number): void
  end(): void
}

/** Where workflows say what happens. They never print; ui/ has one reporter for people and one for machines. */
export interface Reporter extends StepObserver {
  /** What a run is going to do, step by step, where that is worth showing. */
  planned?(steps: readonly string[]): void
  /** A sentence for the user about something that is as it should be. */
  note(text: string): void
  /** Something that the user should know; the run goes on. */
  warn(text: string): void
  transfer(name: string, totalBytes?: number): Transfer
  /** The same for one of several works that go on beside each other: all that is said names it. */
  of(subject: string): Reporter
}

/** The work with a transfer of its own, which ends with it. */
export async function whileTransferring<T>(reporter: Reporter, name: string, work: (transfer: Transfer) => Promise<T>, totalBytes?: number): Promise<T> {
  const transfer = reporter.transfer(name, totalBytes)
  try {
    return await work(transfer)
  } finally {
    transfer.end()
  }
}
