import { beforeAll, describe, expect, it } from '@jest/globals';
import { embeddedSnapshot, takeSnapshot, type Snapshot } from '../../support/docker-snapshot.js';
import { MINUTES } from './stack.js';

const embedded = embeddedSnapshot();
/** A whole `npm test` has just taken it. */
const isWhole = process.env['TEST_WHOLE_RUN'] === '1';
if (typeof embedded === 'string' && !isWhole)
  process.stderr.write(`\nskipped: both engines compared, because ${embedded}\n`);

export function parity(): void {
  if (isWhole)
    it('O10 the embedded engine left its half of the comparison', () => {
      expect(embedded).not.toEqual(expect.any(String));
    });

  (typeof embedded === 'string' ? describe.skip : describe)('O10 both engines made the same', () => {
    const theirs = embedded as Snapshot;
    let own: Snapshot;
    beforeAll(async () => {
      own = await takeSnapshot();
    }, MINUTES);

    it.each(['containers', 'networks', 'volumes'] as const)('O10 %s by the same names', (kind) => {
      expect(Object.keys(own[kind]).sort()).toEqual(Object.keys(theirs[kind]).sort());
    });

    it.each(typeof embedded === 'string' ? [] : Object.keys(embedded.containers))(
      'O10 %s: image, command, environment, mounts, ports, limits, network, health, restart, log, rights',
      (name) => {
        expect(own.containers[name]).toEqual(theirs.containers[name]);
      },
    );

    it.each(['networks', 'volumes'] as const)('O10 the %s alike', (kind) => {
      expect(own[kind]).toEqual(theirs[kind]);
    });
  });
}
