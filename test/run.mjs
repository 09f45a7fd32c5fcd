// Runs jest over the compiled tests. `--all` adds the engine matrix, long fuzzing and the benchmarks' correctness
// (tests below dist/test/long/). Further arguments go to jest.
import { spawnSync } from 'node:child_process'
const args = process.argv.slice(2)
const all = args.includes('--all')
const jest = new URL('../node_modules/jest/bin/jest.js', import.meta.url).pathname
const { status } = spawnSync(process.execPath, ['--experimental-vm-modules', '--no-warnings', '--enable-source-maps', jest,
  ...args.filter(arg => arg !== '--all'), ...(all ? [] : ['--testPathIgnorePatterns=/long/'])], { stdio: 'inherit', env: { ...process.env, DRAY_TEST_ALL: all ? '1' : '' } })
process.exitCode = status ?? 1
