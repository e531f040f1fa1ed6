import { beforeAll, describe, expect, it } from '@jest/globals';
import { EXAMPLE_AUTHORITY } from '../../support/certificates/index.js';
import { graphOf, type Node } from '../../support/graph.js';
import { OUTSIDE_ENGINES } from '../../support/outside-engines.js';
import { stackFile } from '../../support/stack-file.js';

const OUTSIDE = { ...stackFile('Pulumi.dev.yaml'), ...OUTSIDE_ENGINES };

describe('a stack whose engines are somebody else’s', () => {
  let own: Map<string, Node>;
  let wellKnown: Map<string, Node>;
  const inputs = (graph: Map<string, Node>, name: string) => {
    const found = [...graph.values()].find((node) => node.name === name);
    if (!found) throw new Error(`there is no ${name}`);
    return JSON.stringify(found.inputs);
  };

  beforeAll(async () => {
    own = await graphOf({ ...OUTSIDE, tlsAuthorities: EXAMPLE_AUTHORITY });
    wellKnown = await graphOf(OUTSIDE);
  });

  it.each(['telegram-pgbouncer', 'telegram-postgres-exporter'])(
    'D14 %s verifies host name and certificate, with the authorities of the config where there are any',
    (name) => {
      const pem = JSON.stringify(EXAMPLE_AUTHORITY).slice(1, -1);
      expect(inputs(own, name)).toContain(pem);
      expect(inputs(own, name)).toMatch(/authorities\.pem/);
      for (const graph of [own, wellKnown]) expect(inputs(graph, name)).toContain('verify-full');
      expect(inputs(wellKnown, name)).not.toMatch(/BEGIN CERTIFICATE|authorities\.pem/);
    },
  );

  it.each(['cache', 'broker'])('D14 the %s is tried before anything that uses it starts', (engine) => {
    const asked = `command:local:Command telegram-external-${engine}`;
    expect(own.has(asked)).toBe(true);
    for (const user of ['consumer-credentials', 'gateway-prepare'])
      expect([...own.values()].find(({ name }) => name === user)?.dependsOn).toContain(asked);
  });

  it('D14 the gateway may then talk to more than the network of the stack', async () => {
    // Without the simulator nothing in the unit's script is secret.
    const telegram = { kind: 'real', apiId: 1, apiHash: '0'.repeat(32) };
    const unit = async (file: object) => inputs(await graphOf({ ...file, telegram }), 'gateway-service');
    expect(await unit(stackFile('Pulumi.dev.yaml'))).toContain('IPAddressDeny=any');
    expect(await unit(OUTSIDE)).not.toContain('IPAddressDeny');
  });
});
