import * as pulumi from '@pulumi/pulumi';
import { loadConfig } from './stack/load-config.js';
import { UserError } from './stack/errors.js';
import { inspectHost } from './stack/host-check.js';
import { buildPlatform } from './stack/platform.js';

/** Configuration → preflight → secrets → components → outputs. Nothing is created before everything was checked. */
async function program(): Promise<Record<string, unknown>> {
  try {
    const loaded = loadConfig();
    const host = await inspectHost(loaded);
    return { ...buildPlatform(loaded, host) };
  } catch (error) {
    if (error instanceof UserError) throw new pulumi.RunError(error.lines.join('\n'), { cause: error });
    throw error;
  }
}

export = program;
