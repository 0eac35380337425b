/** `drypull config`: prints the configuration in force, or every error in it. */
import { Command } from 'commander';
import { problemText, readConfig } from './agent.ts';
import { explainConfig } from '#config/config.ts';
import type { ProcessContext } from './context.ts';
import { readOwnOptions } from './parse-options.ts';

export async function run(context: ProcessContext): Promise<number> {
  const command = new Command('drypull config')
    .description('Print the configuration of the agent that is in force, or every error in it.')
    .option('--config <FILE>', 'YAML (also DRYPULL_CONFIG)');
  const status = readOwnOptions(command, context);
  if (status !== undefined) return status;
  const { config } = command.opts<{ readonly config?: string }>();
  const read = await readConfig(config ?? context.env['DRYPULL_CONFIG'], context.env);
  if (!read.ok) {
    context.stderr.write(problemText(read.problems));
    return 2;
  }
  context.stdout.write(explainConfig(read.settings));
  return 0;
}
