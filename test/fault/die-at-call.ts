// Preloaded into a process (--import): it is killed, hard, instead of its Nth change of the file system, N being DIE_AT_CALL.
import promises from 'node:fs/promises'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const at = Number(process.env['DIE_AT_CALL'])
let calls = 0

type Call = (...args: never[]) => unknown
function deadly(of: Record<string, Call>, names: readonly string[]): void {
  for (const name of names) {
    const own = of[name]!
    of[name] = (...args) => {
      if (++calls === at) process.kill(process.pid, 'SIGKILL')
      return own(...args)
    }
  }
}

deadly(promises as unknown as Record<string, Call>, ['rename', 'rm', 'unlink', 'link', 'utimes', 'mkdir'])
deadly(fs as unknown as Record<string, Call>, ['unlinkSync', 'renameSync', 'rmSync'])
syncBuiltinESMExports()
