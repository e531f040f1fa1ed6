import { afterAll, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { ONE_SHOT_LABEL } from '../../components/stack-context.js';
import { removeLeftOneShots, removeOneShots } from '../../ops/engines/left-one-shots.js';
import { DockerHost } from '../../stack/docker-host.js';
import { uniqueName } from '../support/services.js';

const image = process.env['TEST_BASE_IMAGE'];
const instance = uniqueName('shots');
const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8', timeout: 60_000 }).trim();

afterAll(() => {
  const ids = docker('ps', '-aq', '--filter', `name=^${instance}`);
  if (ids !== '') docker('rm', '-f', ...ids.split('\n'));
});

(image === undefined ? it.skip : it)(
  'O1 O3 a one-shot that was made and never started is removed, by destroy all of the stack, no other (needs TEST_BASE_IMAGE)',
  async () => {
    const make = (verb: 'create' | 'run', name: string, owner: string) =>
      docker(
        ...[verb, '--name', `${instance}-${name}`, '--label', `${ONE_SHOT_LABEL}=${owner}`, '--network', 'none'],
        ...(verb === 'run' ? ['-d'] : []),
        ...[image ?? '', 'sleep', '600'],
      );
    make('create', 'left', instance);
    make('run', 'running', instance);
    make('create', 'stranger', `${instance}-other`);
    await removeLeftOneShots([new DockerHost('')], instance);
    const names = docker('ps', '-a', '--format', '{{.Names}}', '--filter', `name=^${instance}`).split('\n');
    expect(names.sort()).toEqual([`${instance}-running`, `${instance}-stranger`]);
    await removeOneShots([new DockerHost('')], instance);
    const left = docker('ps', '-a', '--format', '{{.Names}}', '--filter', `name=^${instance}`);
    expect(left).toBe(`${instance}-stranger`);
  },
  120_000,
);
