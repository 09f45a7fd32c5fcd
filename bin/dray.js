#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
// The buffers of the data that passes make V8 mark the whole heap every few megabytes. At one go that takes a few milliseconds;
// bit by bit, and beside the program, it takes a third of all the work.
setFlagsFromString('--no-incremental-marking')
// libuv's threads compress image layers and wait for the disk; their number is read before their first use.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(8, availableParallelism() + 4))
if (isThere()) {
  const { main } = await import('../dist/bundle/cli/main.js')
  // The heap for young objects is large enough now. It would grow to three times 16 MB or more, and stay, in a long run.
  setFlagsFromString('--semi-space-growth-factor=1')
  process.exitCode = await main(process.argv.slice(2))
} else {
  process.stderr.write('dray: error: the working directory was removed\ndray: hint: change to one that is there, for example with: cd\n')
  process.exitCode = 11
}

/** Without a working directory no module of the program loads, and no path or program could be named. */
function isThere() {
  try {
    return process.cwd() !== ''
  } catch {
    return false
  }
}
