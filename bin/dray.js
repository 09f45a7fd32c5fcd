#!/usr/bin/env node
// The thread pool does the compression; it reads its size before its first use, so it is set before anything is imported.
process.env.UV_THREADPOOL_SIZE ??= '8'
const { main } = await import('../dist/src/cli/main.js')
process.exitCode = await main(process.argv.slice(2))
