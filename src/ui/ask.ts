import { createInterface } from 'node:readline/promises'

/** Asks on stderr; only "y" and "yes" are yes. Throws the signal's reason when that fires first. */
export async function askYes(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // The line editor catches Ctrl-C, which is to reach the whole program.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = new Promise<string>(resolve => terminal.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } catch (thrown) {
    signal.throwIfAborted()
    throw thrown
  } finally {
    terminal.close()
  }
}
