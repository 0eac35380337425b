/** What could stand where somebody is writing: commands, then the options of the one that was named, then what an option allows. */
import { valueAt } from '#data/value-at.ts';
import { Command } from 'commander';
import { programOf } from './command-line.ts';
import { addFleetOptions } from './nodes-options.ts';

/** Of the commands that read their own options. */
const own: Readonly<Record<string, readonly string[]>> = {
  agent: ['--config', '--help'],
  config: ['--config', '--help'],
  node: ['--agent', '--token-file', '--help'],
  completion: ['bash', 'zsh', 'fish'],
};

/** `words` after the program's name; the last one is being written, and may be empty. */
export function completions(arguments_: readonly string[]): readonly string[] {
  const [command = '', ...rest] = arguments_;
  const program = programOf(new Command('drypull'), '', () => undefined);
  const current = rest.at(-1);
  const fits = (all: readonly string[], begun: string): readonly string[] => all.filter((one) => one.startsWith(begun));
  if (current === undefined)
    return fits([...program.commands.map((one) => one.name()), '--help', '--version'], command);
  const known = valueAt(own, command);
  if (known !== undefined) return fits(known, current);
  const chosen = command === 'nodes' ? nodes() : program.commands.find((one) => one.name() === command);
  if (chosen === undefined) return [];
  const before = rest.at(-2);
  const taking = chosen.options.find(
    ({ long, short }) => before !== undefined && (before === long || before === short),
  );
  if (taking?.argChoices !== undefined) return fits(taking.argChoices, current);
  if (taking?.required === true || !current.startsWith('-')) return [];
  return fits([...chosen.options.map(({ long }) => long ?? ''), '--help'], current);
}

function nodes(): Command {
  const command = new Command('nodes').option('-l, --selector <SELECTOR>', '').option('-o, --output <FORMAT>', '');
  addFleetOptions(command);
  return command;
}
