import type { SshTarget } from './endpoint.ts'
import type { ErrorCode } from '../errors/exit-codes.ts'
import { destination } from './ssh-arguments.ts'
import { Unreachable } from './unreachable.ts'

type Meaning = readonly [words: RegExp, code: ErrorCode, reason: string, hint: (login: string) => string]

/** What ssh, the host's shell and its docker command say on stderr, the most telling first. */
const meanings: readonly Meaning[] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED/, 'unauthorized', 'its host key is not the one that is known', login => `find out why; if the host is new: ssh-keygen -R HOST, then ${login}`],
  [/Host key verification failed|No .* host key is known/i, 'unauthorized', 'its host key is not known', login => `run once, to check and accept its key: ${login}`],
  [/Permission denied \(|Too many authentication failures/, 'unauthorized', 'ssh was not let in', login => `see that this logs in without a question: ${login} (ssh-copy-id, ssh-add)`],
  [/permission denied.*(docker|daemon)|(docker|daemon).*permission denied/is, 'unauthorized', 'the user there may not use docker', login => `add the user to the group docker there, or log in as another: ${login} docker info`],
  [/Could not resolve hostname/, 'engine-unreachable', 'the name is unknown', () => 'check the host name, or ~/.ssh/config'],
  [/Connection refused/, 'engine-unreachable', 'no ssh server answers there', () => 'check the address and the port'],
  [/timed out|Timeout, server/i, 'engine-unreachable', 'the host does not answer', () => 'check the address, the network and the firewall'],
  [/No route to host|Network is unreachable/, 'engine-unreachable', 'there is no way to the host', () => 'check the address and the network'],
  [/docker.*not found|not found.*docker/i, 'engine-unreachable', 'there is no docker command in the PATH there', login => `see what the PATH is without a terminal: ${login} 'command -v docker; echo $PATH'`],
  [/is not a docker command|unknown command/i, 'engine-unreachable', 'the docker command there is too old', () => 'docker 18.09 or newer has "docker system dial-stdio"'],
  [/Cannot connect to the Docker daemon|failed to connect to the docker API|dial unix|error during connect/i, 'engine-unreachable', 'no engine answers there', login => `is dockerd running there? see: ${login} systemctl status docker`],
]

/** Explains an ssh process that ended before its time. `said` is its stderr. */
export function explainSsh(target: SshTarget, said: string, exitCode: number | null): Unreachable {
  const login = `ssh ${destination(target).filter(word => word !== '--').join(' ')}`
  const lastLine = said.trim().split(/\r?\n/).at(-1)?.trim() ?? ''
  const quoted = lastLine === '' ? `ssh ended with ${exitCode === null ? 'a signal' : `exit code ${exitCode}`}` : `"${lastLine}"`
  const meaning = meanings.find(([words]) => words.test(said))
  if (meaning === undefined) return new Unreachable('engine-unreachable', quoted, [`see whether this works: ${login} docker system dial-stdio`])
  const [, code, reason, hint] = meaning
  return new Unreachable(code, `${reason}: ${quoted}`, [hint(login)])
}
