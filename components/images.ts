import * as docker from '@pulumi/docker';
import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { hasImage, SUITES, UPSTREAM, upstreamImage, type ImageSource } from './image-names.js';

export interface ImageCatalogueArgs {
  readonly source: ImageSource;
  readonly provider: docker.Provider;
  readonly dockerHost: string;
  readonly namePrefix: string;
  /** Further Docker host whose images they are; empty is the home host. */
  readonly on: string;
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

  has(service: string): boolean {
    return hasImage(service, this.args.source);
  }

  /** Image id of a service whose build context is `images/<service>`, or another folder with the tag it is known by. */
  get(service: string, context = join('images', service), tag?: string): pulumi.Output<string> {
    const image = this.#made.get(service) ?? this.#make(service, context, tag);
    this.#made.set(service, image);
    return image.imageId;
  }

  #make(service: string, context: string, given?: string): docker.RemoteImage {
    const name = this.#named(`image-${service}`);
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

  #named(name: string): string {
    return this.args.on === '' ? name : `${name}-on-${this.args.on}`;
  }

  /** Debian itself: the official image where it can be pulled, else one that debootstrap makes from the host's own mirror. */
  #base(suite: string): pulumi.Output<string> {
    const known = this.#bases.get(suite);
    if (known) return known;
    const base = new local.Command(
      this.#named(`image-base-${suite}`),
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
