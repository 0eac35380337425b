/**
 * `drypull completion bash|zsh|fish`: what the shell calls on Tab. The words come from the program itself (`drypull completion
 * words …`), so that a script that was installed once knows the options of every later version; kubectl asks the same of
 * `kubectl_complete-drypull`, which is this program under another name.
 */
import { valueAt } from '#data/value-at.ts';
import { completions } from './candidates.ts';
import type { ProcessContext } from '#main.ts';

const scripts: Readonly<Record<string, string>> = {
  bash: `_drypull() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(drypull completion words "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "\${COMP_WORDS[COMP_CWORD]}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _drypull drypull
`,
  zsh: `#compdef drypull
_drypull() {
  local -a found
  found=(\${(f)"$(drypull completion words "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _drypull drypull
`,
  fish: `complete -c drypull -a '(drypull completion words (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};

export function run({ args, stdout, stderr }: ProcessContext): number {
  const [what = '', ...arguments_] = args;
  if (what === 'words') {
    stdout.write(
      completions(arguments_)
        .map((word) => `${word}\n`)
        .join(''),
    );
    return 0;
  }
  // kubectl (pkg/cmd/plugin.go, SetupPluginCompletion) wants a directive of cobra's after the words: 4, no file names.
  if (what === 'kubectl') {
    stdout.write(
      `${completions(arguments_)
        .map((word) => `${word}\n`)
        .join('')}:${arguments_.at(-2) === '-f' ? 0 : 4}\n`,
    );
    return 0;
  }
  const script = valueAt(scripts, what);
  if (script === undefined) {
    stderr.write('drypull: completion bash, zsh or fish: source <(drypull completion bash)\n');
    return 2;
  }
  stdout.write(script);
  return 0;
}
