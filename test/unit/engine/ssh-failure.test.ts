import { expect, test } from '@jest/globals'
import { explainSsh } from '../../../src/engine/ssh-failure.ts'

/** What ssh, shells and docker really wrote. */
test.each([
  ['Host key verification failed.\r\n', 255, 'unauthorized', 'its host key is not known: "Host key verification failed."', 'run once, to check and accept its key: ssh -l me -p 22 box'],
  ['root@box: Permission denied (publickey).\r\n', 255, 'unauthorized', 'ssh was not let in: "root@box: Permission denied (publickey)."', 'see that this logs in without a question: ssh -l me -p 22 box (ssh-copy-id, ssh-add)'],
  ['bash: line 1: docker: command not found\n', 127, 'engine-unreachable', 'there is no docker command in the PATH there: "bash: line 1: docker: command not found"', 'see what the PATH is without a terminal: ssh -l me -p 22 box \'command -v docker; echo $PATH\''],
  ['sh: 1: docker: not found\n', 127, 'engine-unreachable', 'there is no docker command in the PATH there: "sh: 1: docker: not found"', undefined],
  ['zsh:1: command not found: docker\n', 127, 'engine-unreachable', 'there is no docker command in the PATH there: "zsh:1: command not found: docker"', undefined],
  ['fish: Unknown command: docker\n', 127, 'engine-unreachable', 'there is no docker command in the PATH there: "fish: Unknown command: docker"', undefined],
  ['docker: \'system\' is not a docker command.\nSee \'docker --help\'\n', 1, 'engine-unreachable', 'the docker command there is too old: "See \'docker --help\'"', undefined],
  ['permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n', 1, 'unauthorized', 'the user there may not use docker: "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"', undefined],
  ['error during connect: dial unix /run/docker.sock: connect: no such file or directory\n', 1, 'engine-unreachable', 'no engine answers there: "error during connect: dial unix /run/docker.sock: connect: no such file or directory"', undefined],
  ['ssh: Could not resolve hostname box: Name or service not known\r\n', 255, 'engine-unreachable', 'the name is unknown: "ssh: Could not resolve hostname box: Name or service not known"', undefined],
  ['ssh: connect to host box port 22: Connection timed out\r\n', 255, 'engine-unreachable', 'the host does not answer: "ssh: connect to host box port 22: Connection timed out"', undefined],
  ['mux_client_request_session: read from master failed: Broken pipe\r\n', 255, 'engine-unreachable', '"mux_client_request_session: read from master failed: Broken pipe"', undefined],
  ['', 255, 'engine-unreachable', 'ssh ended with exit code 255', undefined],
  ['', null, 'engine-unreachable', 'ssh ended with a signal', undefined],
])('%j', (said, exitCode, errorCode, message, hint) => {
  const failure = explainSsh({ host: 'box', user: 'me', port: 22 }, said, exitCode)
  expect(failure).toMatchObject({ errorCode, message })
  if (hint !== undefined) expect(failure.hints).toEqual([hint])
})
