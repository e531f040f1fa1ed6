import { beforeAll, describe, expect, it } from '@jest/globals';
import { embeddedSnapshot, takeSnapshot, type Snapshot } from '../../support/docker-snapshot.js';
import { MINUTES } from './stack.js';

const embedded = embeddedSnapshot();
if (typeof embedded === 'string') process.stderr.write(`\nskipped: both engines compared, because ${embedded}\n`);

export function parity(): void {
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
