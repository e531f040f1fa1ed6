import * as docker from '@pulumi/docker';
import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import digests from './image-digests.json';

export type ImageSource = 'upstream' | 'debian';

/**
 * Official images by service; `null` where there is none that can be used, so that the project's own is built. Beside each tag
 * stands what shows that it exists; their digests are in `image-digests.json`, written by `npm run images:pin`.
 */
export const UPSTREAM: Readonly<Record<string, string | null>> = {
  // github.com/timescale/timescaledb CHANGELOG.md, 2.29.2 of 2026-08-18; the Makefile of github.com/timescale/timescaledb-docker
  // publishes `<version>-pg<major>` for 17. Postgres itself is docker-library/postgres 17 alpine: uid 70.
  timescaledb: 'timescale/timescaledb:2.29.2-pg17',
  // Public images lag behind the security floor 1.26.1.
  pgbouncer: null,
  // github.com/docker-library/official-images library/redis lists 8.10.1 on 2026-08-18 and moves on with each release; 8.10.2 is run
  // by public compose files (the README of github.com/nelsonlaidev/uprest, for one). redis/docker-library-redis debian: uid 999.
  redis: 'redis:8.10.2',
  // github.com/docker-library/official-images pull request 22263 of 2026-09-14, "Update 4.3 to 4.3.6"; every version has its
  // `-management` variant. docker-library/rabbitmq 4.3 ubuntu: uid 999.
  rabbitmq: 'rabbitmq:4.3.6-management',
  'gateway-host': null,
  runtime: null,
};

/** Tag → digest of what was behind it when somebody last looked. A tag that is not listed is pulled as it is. */
const DIGESTS: Readonly<Record<string, string>> = digests;

/** The official image of a service with its digest, as far as it is pinned; null where the project builds its own. */
export function upstreamImage(service: string, known = DIGESTS): string | null {
  const tag = UPSTREAM[service];
  if (!tag) return null;
  const digest = known[tag];
  return digest ? `${tag}@${digest}` : tag;
}

/** Suite on which an image of the project stands. systemd 252 of bookworm runs on cgroup v1 and v2, 257 on v2 only. */
const SUITES: Readonly<Record<string, 'trixie' | 'bookworm'>> = { 'gateway-host': 'bookworm' };

export interface ImageCatalogueArgs {
  readonly source: ImageSource;
  readonly provider: docker.Provider;
  readonly dockerHost: string;
  readonly namePrefix: string;
  readonly parent: pulumi.Resource;
}

/** Gives each service its image id, pulled or built, each made once. */
export class ImageCatalogue {
  readonly #made = new Map<string, docker.RemoteImage>();
  readonly #bases = new Map<string, pulumi.Output<string>>();

  constructor(private readonly args: ImageCatalogueArgs) {}

  /** What the stack settled on. */
  get source(): ImageSource {
    return this.args.source;
  }

  /** Where the named service's image comes from. */
  sourceOf(service: string): ImageSource {
    return this.args.source === 'upstream' && UPSTREAM[service] ? 'upstream' : 'debian';
  }

  /** Image id of a service whose build context is `images/<service>`, or another folder with the tag it is known by. */
  get(service: string, context = join('images', service), tag?: string): pulumi.Output<string> {
    const image = this.#made.get(service) ?? this.#make(service, context, tag);
    this.#made.set(service, image);
    return image.imageId;
  }

  #make(service: string, context: string, given?: string): docker.RemoteImage {
    const name = `image-${service}`;
    const upstream = upstreamImage(service);
    const opts = { parent: this.args.parent, provider: this.args.provider };
    if (this.args.source === 'upstream' && upstream)
      return new docker.RemoteImage(name, { name: upstream, keepLocally: true }, opts);
    const suite = SUITES[service] ?? 'trixie';
    const base = this.#base(suite);
    const tag = given ?? hashOfFolder(context).slice(0, 12);
    return new docker.RemoteImage(
      name,
      {
        // The prefix keeps it the stack's own: another stack that builds the same gets another id, and would move the tag.
        name: `telegram-hybrid-stack/${service}:${this.args.namePrefix}${tag}`,
        keepLocally: true,
        build: { context, dockerfile: 'Dockerfile', buildArgs: { BASE: base } },
      },
      opts,
    );
  }

  /** Debian itself: the official image where it can be pulled, else one that debootstrap makes from the host's own mirror. */
  #base(suite: string): pulumi.Output<string> {
    const known = this.#bases.get(suite);
    if (known) return known;
    const base = new local.Command(
      `image-base-${suite}`,
      {
        create: `sh images/base/make.sh ${suite}`,
        environment: this.args.dockerHost ? { DOCKER_HOST: this.args.dockerHost } : {},
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this.args.parent },
    ).stdout;
    this.#bases.set(suite, base);
    return base;
  }
}

/** The command line that builds a service's image as the stack does, for a person to watch. */
export function buildCommand(service: string): string {
  const context = service === 'runtime' ? join('dist', 'image') : join('images', service);
  return `docker build --build-arg BASE="$(sh images/base/make.sh ${SUITES[service] ?? 'trixie'})" ${context}`;
}

/** Content hash of a build context: names, modes and bytes, in a fixed order. */
export function hashOfFolder(folder: string): string {
  const hash = createHash('sha256');
  for (const path of filesOf(folder).sort()) {
    hash.update(`${relative(folder, path)}\0${String(statSync(path).mode & 0o111)}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesOf(path) : [path];
  });
}
