import { Redis } from 'ioredis';
import { SENTINEL_MASTER } from '../../runtime/contract.js';
import type { RunningStack } from '../context.js';
import { Failing, type Check } from './check.js';

/** Asks one Redis server and lets it go; what goes wrong is the caller's. */
async function ask<T>(stack: RunningStack, service: string, question: (client: Redis) => Promise<T>): Promise<T> {
  const address = stack.outputs.services[service];
  if (!address) throw new Failing(`${service} has no address`, 'npm run up');
  const { user, password } = stack.outputs.logins[service] ?? {};
  const client = new Redis({
    host: address.host,
    port: address.port,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 3_000,
    commandTimeout: 5_000,
    ...(user && { username: user }),
    ...(password && { password }),
  });
  // What `connect` rejects with is only that the connection is closed; why, comes before.
  let cause: unknown;
  client.on('error', (error) => {
    cause = error;
  });
  try {
    await client.connect();
    return await question(client);
  } catch (error) {
    throw cause ?? error;
  } finally {
    client.disconnect();
  }
}

export interface Vote {
  readonly name: string;
  /** `OK …`, or what is missing for a quorum. */
  readonly answer: string;
  readonly master: string;
}

async function voteOf(stack: RunningStack, name: string): Promise<Vote> {
  const vote = async (client: Redis): Promise<Vote> => ({
    name,
    answer: String(await client.call('SENTINEL', 'CKQUORUM', SENTINEL_MASTER)),
    master: ((await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_MASTER)) as string[]).join(':'),
  });
  return ask(stack, name, vote).catch((error: unknown) => ({
    name,
    answer: error instanceof Error ? error.message : String(error),
    master: '?',
  }));
}

/** `master`, `slave connected`, or why there is no answer. */
async function roleOf(stack: RunningStack, name: string): Promise<string> {
  return ask(stack, name, async (client) => {
    const role = (await client.call('ROLE')) as unknown[];
    return role[0] === 'slave' ? `slave ${String(role[3])}` : String(role[0]);
  }).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
}

/** The one master that every Sentinel names, each with a quorum; `Failing` where that is not so. */
export function agreedMaster(votes: readonly Vote[]): string {
  const failing = votes.filter(({ answer }) => !answer.startsWith('OK'));
  if (failing.length > 0)
    throw new Failing(failing.map(({ name, answer }) => `${name}: ${answer}`).join('; '), 'npm run up');
  const masters = [...new Set(votes.map(({ master }) => master))];
  if (masters.length === 1 && masters[0] !== undefined) return masters[0];
  const told = masters.map((master) => {
    const names = votes.filter((vote) => vote.master === master).map(({ name }) => name);
    return `${names.join(' and ')}: ${master}`;
  });
  throw new Failing(`the Sentinels name different masters (${told.join('; ')})`, 'npm run up');
}

/** A majority of the Sentinels agrees on one master, and the other node copies from it. */
export const redis: Check = {
  name: 'redis',
  fix: 'npm run up',
  run: async (stack) => {
    const names = Object.keys(stack.outputs.services);
    const sentinels = names.filter((name) => name.startsWith('redis-sentinel'));
    if (sentinels.length === 0) return 'external';
    const votes = await Promise.all(sentinels.map(async (name) => voteOf(stack, name)));
    const master = agreedMaster(votes);
    const roles = await Promise.all(['redis-master', 'redis-replica'].map(async (name) => roleOf(stack, name)));
    if ([...roles].sort().join() !== 'master,slave connected')
      throw new Failing(`redis-master: ${roles[0] ?? ''}; redis-replica: ${roles[1] ?? ''}`, 'npm run up');
    return `${String(votes.length)} Sentinels agree on master ${master}, one replica copies from it`;
  },
};
