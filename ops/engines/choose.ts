import { UserError } from '../../stack/errors.js';
import { findPulumi, installPlugins, missingPlugins } from '../pulumi-cli.js';
import type { StackFolder } from '../stack-folder.js';
import { EmbeddedEngine } from './embedded.js';
import type { Engine } from './engine.js';
import { PulumiEngine } from './pulumi.js';

export interface Choice {
  readonly engine: Engine;
  /** Why this one, in words for the person. */
  readonly reason: string;
}

/**
 * Picks the engine of a stack: the one that made it, else the Pulumi CLI with its plugins where they can be had, else the
 * embedded one. `wanted` (option or TELEGRAM_ENGINE) decides only before the first `up`.
 */
export function chooseEngine(folder: StackFolder, wanted: string | undefined): Choice {
  const settled = folder.engine;
  if (wanted !== undefined && wanted !== 'pulumi' && wanted !== 'embedded')
    throw new UserError('USAGE', `unknown engine "${wanted}"; expected pulumi or embedded`);
  if (settled && wanted && settled !== wanted)
    throw new UserError(
      'ENGINE_MISMATCH',
      `stack "${folder.stack}" was made by the ${settled} engine, not by ${wanted}`,
    );
  const name = settled ?? wanted;
  if (name === 'embedded') return { engine: new EmbeddedEngine(folder), reason: because(settled, 'it was asked for') };
  const cli = findPulumi();
  if (name === 'pulumi') {
    if (!cli) throw new UserError('PULUMI_MISSING', `stack "${folder.stack}" needs the Pulumi CLI and none was found`);
    return { engine: new PulumiEngine(folder, cli), reason: because(settled, 'it was asked for') };
  }
  if (!cli)
    return { engine: new EmbeddedEngine(folder), reason: 'no Pulumi CLI was found on PATH or in the Pulumi home' };
  if (!installPlugins(cli))
    return {
      engine: new EmbeddedEngine(folder),
      reason: `the Pulumi CLI is here, but its plugins cannot be fetched: ${missingPlugins().join(', ')}`,
    };
  return { engine: new PulumiEngine(folder, cli), reason: `the Pulumi CLI was found (${cli})` };
}

function because(settled: string | null, otherwise: string): string {
  return settled ? 'it made this stack' : otherwise;
}
