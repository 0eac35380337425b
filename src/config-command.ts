/** `drypull config`: the configuration in force, or everything that is wrong with it. */
import { Command, CommanderError } from 'commander';
import { problemText, readConfig } from './agent-command.ts';
import { explainConfig } from './config.ts';
import type { Surroundings } from './main.ts';

export async function run(around: Surroundings): Promise<number> {
  const command = new Command('drypull config')
    .description('Print the configuration of the agent that is in force, or everything that is wrong with it.')
    .option('--config <FILE>', 'YAML (also DRYPULL_CONFIG)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => around.stdout.write(text), writeErr: (text) => around.stderr.write(text) });
  try {
    command.parse([...around.args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  const { config } = command.opts<{ readonly config?: string }>();
  const read = await readConfig(config ?? around.env['DRYPULL_CONFIG'], around.env);
  if (!read.ok) {
    around.stderr.write(problemText(read.problems));
    return 2;
  }
  around.stdout.write(explainConfig(read.settings));
  return 0;
}
