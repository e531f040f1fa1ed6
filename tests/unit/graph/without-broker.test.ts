import { beforeAll, describe, expect, it } from '@jest/globals';
import { graphOf, type Node } from '../../support/graph.js';
import { stackFile } from '../../support/stack-file.js';

describe('a stack without a broker', () => {
  let graph: Map<string, Node>;
  const inputs = (name: string) =>
    JSON.stringify([...graph.values()].find((node) => node.name === name)?.inputs ?? `no ${name}`);

  beforeAll(async () => {
    const file = stackFile('Pulumi.dev.yaml');
    const consumer = { ...(file['consumer'] as object | undefined), mode: 'poll' };
    graph = await graphOf({ ...file, rabbitmq: { kind: 'off' }, consumer });
  });

  it('D6 has no container, image, volume or user of one; the passwords wait in the state', () => {
    const names = [...graph.values()].map(({ name }) => name);
    expect(names.filter((name) => name.includes('rabbitmq') && !name.startsWith('secrets-'))).toEqual([]);
  });

  it('D6 switching it off changes no credentials: what runs until it is replaced goes on with them', async () => {
    const before = await graphOf(stackFile('Pulumi.dev.yaml'));
    for (const name of ['consumer-credentials', 'gateway-credentials', 'gateway-api-credentials']) {
      const fingerprint = (of: Map<string, Node>) => [...of.values()].find((node) => node.name === name)?.fingerprint;
      expect(fingerprint(before)).toBeDefined();
      expect(fingerprint(graph)).toBe(fingerprint(before));
    }
  });

  it('D6 R7 its consumer polls, and nobody is told an address of a broker', () => {
    expect(inputs('telegram-consumer')).toContain('TELEGRAM_CONSUMER_MODE=poll');
    for (const name of ['telegram-consumer', 'telegram-gateway-api', 'gateway-service', 'telegram-prometheus']) {
      expect(inputs(name)).toContain('"');
      expect(inputs(name)).not.toMatch(/TELEGRAM_RABBITMQ_HOST|:15692/);
    }
  });
});
