/** For node: the program believes that the machine has eight processors, and starts as many threads as it would there. */
export const manyProcessors: readonly string[] = ['--import', `data:text/javascript,${encodeURIComponent("import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module'; os.availableParallelism = () => 8; syncBuiltinESMExports()")}`]
