import * as pulumi from '@pulumi/pulumi';
import { parseStackFile, type LoadedConfig } from './config.js';

/** Reads the configuration of the running Pulumi program; apart from the rest, because the commands do without the SDK. */
export function loadConfig(): LoadedConfig {
  return { stack: pulumi.getStack(), config: parseStackFile(pulumi.runtime.allConfig()) };
}
