import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OFFICIAL as OFFICIAL_IMAGES, upstreamImage } from '../../../components/image-names.js';
import { SOURCE_LABEL } from '../../../components/stack-context.js';
import { graphOf, HOST, type Node } from '../../support/graph.js';
import { stackFile } from '../../support/stack-file.js';

const ROOT = join(__dirname, '..', '..', '..');

interface ImageFacts {
  /** Service as the catalogue knows it. */
  readonly service: string;
  /** Containers that run it. */
  readonly containers: RegExp;
  /** `uid:gid` of its user, by the official Dockerfile. */
  readonly user: string;
  /** Where the official image keeps its data; a VOLUME there would become an anonymous one. */
  readonly data: string;
}

/** From the Dockerfiles of docker-library/postgres (17 alpine), redis/docker-library-redis (debian) and docker-library/rabbitmq (ubuntu). */
const OFFICIAL: readonly ImageFacts[] = [
  { service: 'timescaledb', containers: /timescaledb$/, user: '70:70', data: '/var/lib/postgresql/data' },
  { service: 'redis', containers: /redis-(master|replica|sentinel)/, user: '999:999', data: '/data' },
  { service: 'rabbitmq', containers: /rabbitmq$/, user: '999:999', data: '/var/lib/rabbitmq' },
];

const CONTAINER = 'docker:index/container:Container';
const IMAGE = 'docker:index/remoteImage:RemoteImage';

type Graph = Map<string, Node>;
const of = (graph: Graph, type: string) => [...graph.values()].filter((node) => node.type === type);
const list = (value: unknown) => (Array.isArray(value) ? (value as Record<string, unknown>[]) : []);

/** What a container is asked to be, but for the image itself and the label that remembers where it came from. */
function shape({ inputs }: Node): unknown {
  const labels = list(inputs['labels']).filter(({ label }) => label !== SOURCE_LABEL);
  return { ...inputs, image: null, labels };
}

describe('official images and those from Debian packages', () => {
  let debian: Graph;
  let upstream: Graph;
  /** Official images without what only that source has. */
  let bothHave: Graph;
  beforeAll(async () => {
    const file = stackFile('Pulumi.dev.yaml');
    debian = await graphOf(file);
    upstream = await graphOf(file, { ...HOST, imageSource: 'upstream' });
    const monitoring = { ...(file['monitoring'] as object), grafana: false };
    bothHave = await graphOf({ ...file, monitoring }, { ...HOST, imageSource: 'upstream' });
  }, 240_000);

  it('D10 no container differs in anything but the image: paths, users, entry points, health and limits are alike', () => {
    const shapes = (graph: Graph) => Object.fromEntries(of(graph, CONTAINER).map((node) => [node.name, shape(node)]));
    expect(shapes(bothHave)).toEqual(shapes(debian));
  });

  it('D10 M2 Grafana, which Debian does not have, runs as the official image does', () => {
    const grafana = of(upstream, CONTAINER).find(({ name }) => name === 'telegram-grafana');
    expect(grafana?.inputs).toMatchObject({ user: '472:0', readOnly: true });
  });

  it('D10 what is pulled is pulled by its tag (and digest), what is built stays built', () => {
    const official = OFFICIAL.map(({ service }) => `image-${service}`);
    for (const { name, inputs } of of(upstream, IMAGE)) {
      const service = name.replace('image-', '');
      if (official.includes(name) || service === 'grafana')
        expect(inputs).toEqual({ name: upstreamImage(service), keepLocally: true });
      else expect(inputs['build']).toMatchObject({ dockerfile: 'Dockerfile' });
    }
    const built = (graph: Graph) => of(graph, IMAGE).filter(({ inputs }) => inputs['build'] !== undefined).length;
    expect(built(debian) - built(upstream)).toBe(official.length);
  });

  it.each(OFFICIAL)(
    'D10 $service runs as the user of the official image, with a named volume where its data is',
    (facts) => {
      const containers = of(upstream, CONTAINER).filter(({ name }) => facts.containers.test(name));
      expect(containers.length).toBeGreaterThan(0);
      for (const { inputs } of containers) {
        expect(inputs['user']).toBe(facts.user);
        expect(list(inputs['volumes']).filter(({ containerPath }) => containerPath === facts.data)).toHaveLength(1);
        // The image's own entry point (users, modules, settings by environment) has no part in it.
        expect(inputs['entrypoints']).toEqual(['/bin/sh', '-c']);
      }
    },
  );

  it.each(OFFICIAL)(
    "D10 the project's own image of $service is laid out like the official one",
    ({ service, user, data }) => {
      const dockerfile = readFileSync(join(ROOT, 'images', service, 'Dockerfile'), 'utf8');
      const [uid = '', gid = ''] = user.split(':');
      expect(dockerfile).toMatch(new RegExp(`groupadd --system --gid ${gid} `));
      expect(dockerfile).toMatch(new RegExp(`useradd --system --uid ${uid} --gid ${gid} `));
      expect(dockerfile).toMatch(new RegExp(`install -d -o ${uid} -g ${gid} -m 0?7[05]0 ${data}`));
      expect(dockerfile).toMatch(new RegExp(`^USER ${user}$`, 'm'));
    },
  );

  it.each(Object.values(OFFICIAL_IMAGES).flatMap((image) => image ?? []))(
    'D10 beside the tag $tag stands a public place that shows this very version',
    ({ tag, shownBy }) => {
      const [version = 'no version'] = /(?<=:)\d+\.\d+\.\d+/.exec(tag) ?? [];
      expect(shownBy).toMatch(/^github\.com\/[\w.-]+\/[\w.-]+[ ,]/);
      expect(shownBy).toContain(version);
    },
  );
});
