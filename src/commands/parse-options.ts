/** Parses the options of a command: output goes to the streams of the context, and the process does not exit. */
import { type Command, CommanderError } from 'commander';
import type { ProcessContext } from './context.ts';

/** Undefined: the options are read. Else the exit status: 2 after an error, 0 after --help. */
export function readOwnOptions(command: Command, { program, args, stdout, stderr }: ProcessContext): 0 | 2 | undefined {
  command
    .name(command.name().replace(/^drypull/, program))
    .exitOverride()
    .showHelpAfterError(`(see ${command.name()} --help)`)
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });
  try {
    command.parse([...args], { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
}
