/** Completions for a command line: commands, then the options of the given command, then the values that an option allows. */
import { valueAt } from '#data/value-at.ts';
import { Command } from 'commander';
import { programOf } from './command-line.ts';
import { addFleetOptions } from './nodes-options.ts';

/** The options of the commands that read their own. */
const own: Readonly<Record<string, readonly string[]>> = {
  agent: ['--config', '--help'],
  config: ['--config', '--help'],
  node: ['--agent', '--token-file', '--help'],
  completion: ['bash', 'zsh', 'fish'],
};

/** `given`: the arguments after the program's name. The last one is incomplete, and may be empty. */
export function completions(given: readonly string[]): readonly string[] {
  const [command = '', ...rest] = given;
  const program = programOf(new Command('drypull'), '', () => undefined);
  const current = rest.at(-1);
  const starting = (all: readonly string[], start: string): readonly string[] =>
    all.filter((one) => one.startsWith(start));
  if (current === undefined)
    return starting([...program.commands.map((one) => one.name()), '--help', '--version'], command);
  const known = valueAt(own, command);
  if (known !== undefined) return starting(known, current);
  const chosen = command === 'nodes' ? nodes() : program.commands.find((one) => one.name() === command);
  if (chosen === undefined) return [];
  const before = rest.at(-2);
  const option = chosen.options.find(
    ({ long, short }) => before !== undefined && (before === long || before === short),
  );
  if (option?.argChoices !== undefined) return starting(option.argChoices, current);
  if (option?.required === true || !current.startsWith('-')) return [];
  return starting([...chosen.options.map(({ long }) => long ?? ''), '--help'], current);
}

function nodes(): Command {
  const command = new Command('nodes').option('-l, --selector <SELECTOR>', '').option('-o, --output <FORMAT>', '');
  addFleetOptions(command);
  return command;
}
