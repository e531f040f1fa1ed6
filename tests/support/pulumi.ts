import { findPulumi, missingPlugins } from '../../ops/pulumi-cli.js';

/** Why the tests of the real engine cannot run here, or null where they can. */
export function whyNoPulumi(): string | null {
  const cli = findPulumi();
  if (!cli) return 'no Pulumi CLI on PATH or in the Pulumi home';
  const missing = missingPlugins();
  return missing.length > 0 ? `plugins missing: ${missing.join(', ')}` : null;
}
