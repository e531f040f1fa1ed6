import { describe, expect, it } from '@jest/globals';
import { refusedAsProtected } from '../../../ops/engines/kept-data.js';

const URN = 'urn:pulumi:test::telegram::telegram:gateway:GatewayHost$docker:index/volume:Volume::telegram-gateway-opt';
const OTHER = 'urn:pulumi:test::telegram::docker:index/volume:Volume::telegram-redis-sentinel-3-data';

/** What the CLI 3.260.0 printed, as it was recorded. */
const refusal = (urn: string) => `  docker:index:Volume (${urn.split('::').at(-1) ?? ''}):
    error: resource "${urn}" cannot be deleted
    because it is protected. To unprotect the resource, either remove the \`protect\` flag from the resource in your Pulumi program and run \`pulumi up\`, or use the command:
    \`pulumi state unprotect '${urn}'\`
`;

describe('data volumes that leave a stack which keeps its data', () => {
  it('O3 the CLI names each that it would not delete: once, whatever its colours', () => {
    const progress = ` -  docker:index:Volume telegram-gateway-opt deleting (0s)[retain] error: resource "${URN}" cannot be deleted\n`;
    const coloured = refusal(OTHER).replace('error: resource', '\x1b[31merror: \x1b[0mresource');
    expect(refusedAsProtected(`${progress}Diagnostics:\n${refusal(URN)}${coloured}${refusal(URN)}`)).toEqual([
      URN,
      OTHER,
    ]);
  });

  it('O3 nothing else is one', () => {
    expect(refusedAsProtected(`error: resource "${URN}" cannot be deleted\n    because it is in use`)).toEqual([]);
    expect(refusedAsProtected('error: update failed')).toEqual([]);
  });
});
