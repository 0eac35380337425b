/**
 * `drypull completion bash|zsh|fish`: prints a completion script for the shell. The script gets its candidates from the program
 * (`drypull completion words …`), so that an installed script knows the options of every later version. kubectl runs this program as
 * `kubectl_complete-drypull` for the same purpose.
 */
import { valueAt } from '#data/value-at.ts';
import { completions } from './candidates.ts';
import type { ProcessContext } from './context.ts';

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
  const [what = '', ...given] = args;
  if (what === 'words') {
    stdout.write(linesOf(given));
    return 0;
  }
  // kubectl (pkg/cmd/plugin.go, SetupPluginCompletion) expects a directive of cobra after the candidates: 4, no file names.
  if (what === 'kubectl') {
    stdout.write(`${linesOf(given)}:${given.at(-2) === '-f' ? 0 : 4}\n`);
    return 0;
  }
  const script = valueAt(scripts, what);
  if (script === undefined) {
    const problem = what === '' ? 'no shell is given' : `unknown shell ${JSON.stringify(what.slice(0, 80))}`;
    stderr.write(`drypull: ${problem}; allowed: bash, zsh, fish. Try: source <(drypull completion bash)\n`);
    return 2;
  }
  stdout.write(script);
  return 0;
}

function linesOf(given: readonly string[]): string {
  return completions(given)
    .map((candidate) => `${candidate}\n`)
    .join('');
}
