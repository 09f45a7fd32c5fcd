#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
// The thread pool does the compression; it reads its size before its first use, so it is set before anything is imported.
// More threads than these only keep more memory: two wait for the disk, the others compress.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2))
const { main } = await import('../dist/src/cli/main.js')
// The heap for young objects is large enough now. It would grow to three times 16 MB or more, and stay, in a long run.
setFlagsFromString('--semi-space-growth-factor=1')
process.exitCode = await main(process.argv.slice(2))
