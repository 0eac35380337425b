/** `drypull config`: the configuration in force, or everything that is wrong with it. */
import { Command } from 'commander';
import { problemText, readConfig } from './agent.ts';
import { explainConfig } from '#config/config.ts';
import type { ProcessContext } from '#main.ts';
import { readOwnOptions } from './parse-options.ts';

export async function run(around: ProcessContext): Promise<number> {
  const command = new Command('drypull config')
    .description('Print the configuration of the agent that is in force, or everything that is wrong with it.')
    .option('--config <FILE>', 'YAML (also DRYPULL_CONFIG)');
  const status = readOwnOptions(command, around);
  if (status !== undefined) return status;
  const { config } = command.opts<{ readonly config?: string }>();
  const read = await readConfig(config ?? around.env['DRYPULL_CONFIG'], around.env);
  if (!read.ok) {
    around.stderr.write(problemText(read.problems));
    return 2;
  }
  around.stdout.write(explainConfig(read.settings));
  return 0;
}
