#!/usr/bin/env node
// The thread pool does the compression; it reads its size before its first use, so it is set before anything is imported.
// More threads than these only keep more memory: two wait for the disk, the others compress.
const { availableParallelism } = await import('node:os')
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2))
const { main } = await import('../dist/src/cli/main.js')
process.exitCode = await main(process.argv.slice(2))
