// The scripts that a shell loads. Each asks `ekiben _complete` for what can come next, and falls back on files.

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** To be read by the shell: `source <(ekiben completion bash)`. */
export function completionScript(shell: Shell): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell];
}

// Bash breaks words at colons; tags have one. Words are put together from the line again, and what stands before the last colon is
// cut off the answers.
const BASH = `_ekiben_completion() {
  local line="\${COMP_LINE:0:COMP_POINT}" typed colon
  local -a words
  read -ra words <<< "$line"
  [[ "$line" =~ [[:space:]]$ ]] && words+=("")
  typed="\${words[\${#words[@]}-1]}"
  mapfile -t COMPREPLY < <(ekiben _complete -- "\${words[@]:1}" 2>/dev/null)
  if [[ "$typed" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    colon="\${typed%"\${typed##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$colon"}")
  fi
}
complete -o bashdefault -o default -F _ekiben_completion ekiben
`;

const ZSH = `#compdef ekiben
_ekiben() {
  local -a answers
  answers=("\${(@f)$(ekiben _complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  answers=("\${(@)answers:#}")
  if (( \${#answers} )); then compadd -Q -- "\${answers[@]}"; else _files; fi
}
compdef _ekiben ekiben
`;

const FISH = `function __ekiben_complete
  set -l words (commandline -opc) (commandline -ct)
  ekiben _complete -- $words[2..-1] 2>/dev/null
end
function __ekiben_answers
  test -n "$(__ekiben_complete)"
end
complete -c ekiben -n __ekiben_answers -f -a '(__ekiben_complete)'
`;
