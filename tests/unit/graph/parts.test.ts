import { describe, expect, it } from '@jest/globals';
import type { ImageSource } from '../../../components/image-names.js';
import { changed, graphOf, HOST } from '../../support/graph.js';
import { dataOf, partsOf, rotationOf } from '../../support/parts.js';
import { stackFile } from '../../support/stack-file.js';

/** As `writeTestConfig` has it. */
function testStack(credentialEpoch = 1): Record<string, unknown> {
  const file = stackFile('tests/support/Pulumi.test.yaml');
  const monitoring = { ...(file['monitoring'] as object), alertWebhook: 'http://172.28.41.1:19099/' };
  return { ...file, monitoring, credentialEpoch };
}

/** What the tests of a running stack expect follows the image source, which depends on the machine: here it is held for both. */
describe.each<ImageSource>(['debian', 'upstream'])('the test stack with images from %s', (source) => {
  const host = { ...HOST, imageSource: source };

  it('D13 M2 has exactly the containers, at the addresses, that the live tests expect', async () => {
    const containers = [...(await graphOf(testStack(), host)).values()].filter(({ type }) =>
      type.endsWith(':Container'),
    );
    const places = containers.map(({ inputs }) => {
      const [network] = inputs['networksAdvanced'] as { ipv4Address: string }[];
      return [String(inputs['name']).replace('test-telegram-', ''), Number(network?.ipv4Address.split('.').at(-1))];
    });
    expect(Object.fromEntries(places)).toEqual(partsOf(source));
  }, 120_000);

  it('O3 M2 keeps exactly the volumes that the live test of two stacks expects', async () => {
    const nodes = [...(await graphOf({ ...testStack(), dataPolicy: 'retain' }, host)).values()];
    const kept = nodes.filter(({ type, options }) => type.endsWith(':Volume') && options['retainOnDelete'] === true);
    expect(kept.map(({ inputs }) => String(inputs['name']).replace('test-telegram-', '')).sort()).toEqual(
      dataOf(source),
    );
  }, 120_000);

  it('O5 M2 changes with an epoch exactly what the live preview is held to', async () => {
    const [before, after] = [await graphOf(testStack(1), host), await graphOf(testStack(2), host)];
    expect(changed(before, after)).toEqual(rotationOf(source));
  }, 120_000);
});
