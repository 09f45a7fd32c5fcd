/** The hidden word: `dray __complete WORD…` answers what completes the last word, one a line, a tab before what it is. */
export const completeWord = '__complete'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** Each asks dray for everything. Where that has no answer the shell completes names of files. */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `_dray() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(dray ${completeWord} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -o nosort -F _dray dray 2>/dev/null || complete -o default -F _dray dray`,
  zsh: `#compdef dray
_dray() {
  local line
  local -a found
  for line in "\${(@f)$(dray ${completeWord} "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#found )); then _describe -V dray found; else _files; fi
}
if [ "$funcstack[1]" = "_dray" ]; then _dray "$@"; else compdef _dray dray; fi`,
  fish: `function __dray_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (dray ${completeWord} $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c dray -f -a '(__dray_complete)'`,
}
