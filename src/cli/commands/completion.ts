import { completionScripts, shells, type Shell } from '../completion/scripts.ts'
import type { Command } from '../command.ts'

export const completionCommand: Command = {
  usage: 'completion [shell]',
  summary: 'Print what makes a shell complete commands, options, containers and backups',
  examples: [
    ['source <(dray completion bash)', 'for this bash; in ~/.bashrc for every one'],
    ['dray completion zsh > "${fpath[1]}/_dray"', 'for every zsh, from the next one on'],
    ['dray completion fish > ~/.config/fish/completions/dray.fish', 'for every fish'],
  ],
  options: yargs => yargs.positional('shell', { choices: shells, describe: 'the shell (default: that of $SHELL, else bash)' }),
  run: (args, { env }) => {
    const own = shells.find(each => env['SHELL']?.endsWith(`/${each}`) === true)
    const shell = (args['shell'] as Shell | undefined) ?? own ?? 'bash'
    return Promise.resolve({ text: completionScripts[shell], json: { shell, script: completionScripts[shell] } })
  },
}
