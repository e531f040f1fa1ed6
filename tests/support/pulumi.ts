import { findPulumi, installPlugins, missingPlugins } from '../../ops/pulumi-cli.js';

/** Why the tests of the real engine cannot run here, or null where they can. Where they must, missing plugins are fetched. */
export function whyNoPulumi(): string | null {
  const cli = findPulumi();
  if (!cli) return 'no Pulumi CLI on PATH or in the Pulumi home';
  if (isRequired(process.env)) installPlugins(cli);
  const missing = missingPlugins();
  return missing.length > 0 ? `plugins missing: ${missing.join(', ')}` : null;
}

/** `REQUIRE_PULUMI=1` makes a failure of what is skipped otherwise: on a hosted runner the CLI can be had. */
const isRequired = (env: NodeJS.ProcessEnv) => env['REQUIRE_PULUMI'] === '1';

/** What becomes of the tests of the real engine. */
export function verdict(missing: string | null, env: NodeJS.ProcessEnv): 'run' | 'skip' | 'fail' {
  if (missing === null) return 'run';
  return isRequired(env) ? 'fail' : 'skip';
}
