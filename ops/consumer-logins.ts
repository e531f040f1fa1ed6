import { credentialsSchema, type Credentials } from '../runtime/credentials.js';
import type { RunningStack } from './context.js';
import { container } from './doctor/fix.js';

/** What the consumer of a stack has been told: a run that works as any consumer does is to have no more rights. */
export async function consumerLogins(stack: RunningStack): Promise<Credentials> {
  const command = ['exec', container(stack, 'consumer'), 'cat', '/credentials/credentials.json'];
  return credentialsSchema.parse(JSON.parse(await stack.hosts.home.docker(command, 30_000)));
}
