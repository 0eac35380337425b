/** The options of a command that reads its own: printed where the surroundings print, and never ending the process. */
import { type Command, CommanderError } from 'commander';
import type { ProcessContext } from '#main.ts';

/** Undefined once the options are read; the exit status where they are wrong, or help was asked for. */
export function readOwnOptions(command: Command, { args, stdout, stderr }: ProcessContext): 0 | 2 | undefined {
  command
    .exitOverride()
    .showHelpAfterError(`(${command.name()} --help lists what there is)`)
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });
  try {
    command.parse([...args], { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
}
