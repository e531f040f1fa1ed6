import { existsSync } from 'node:fs';
import { join } from 'node:path';
import digests from './image-digests.json';

export type ImageSource = 'upstream' | 'debian';

interface OfficialImage {
  readonly tag: string;
  /** Public place that shows that this very tag exists. */
  readonly shownBy: string;
}

/**
 * Official images by service; `null` where there is none that can be used, so that the project's own is built. The digests are in
 * `image-digests.json`, written by `npm run images:pin`.
 */
export const OFFICIAL: Readonly<Record<string, OfficialImage | null>> = {
  // Postgres itself is docker-library/postgres 17 alpine: uid 70.
  timescaledb: {
    tag: 'timescale/timescaledb:2.29.2-pg17',
    shownBy:
      'github.com/timescale/timescaledb CHANGELOG.md, 2.29.2 of 2026-08-18; github.com/timescale/timescaledb-docker Makefile publishes <version>-pg<major> for 17',
  },
  // Public images lag behind the security floor 1.26.1.
  pgbouncer: null,
  // redis/docker-library-redis debian: uid 999.
  redis: {
    tag: 'redis:8.10.2',
    shownBy: 'github.com/docker-library/repo-info repos/redis/remote/8.10.2.md, an image of 2026-09-21',
  },
  // Every version has its `-management` variant. docker-library/rabbitmq 4.3 ubuntu: uid 999.
  rabbitmq: {
    tag: 'rabbitmq:4.3.6-management',
    shownBy: 'github.com/docker-library/repo-info repos/rabbitmq/remote/4.3.6-management.md, an image of 2026-09-16',
  },
  // Made beside the database's image, not from it: it serves either one.
  backup: null,
  'gateway-host': null,
  // Rules and dashboards are tested against the names of these very versions.
  prometheus: null,
  exporters: null,
  // In no Debian suite: without the official image there is none. grafana/grafana packaging/docker: uid 472, gid 0.
  grafana: {
    tag: 'grafana/grafana:13.2.3',
    shownBy: 'github.com/harri-llewelyn/aber, whose table of components runs grafana/grafana:13.2.3',
  },
  runtime: null,
};

/** The tags alone. */
export const UPSTREAM: Readonly<Record<string, string | null>> = Object.fromEntries(
  Object.entries(OFFICIAL).map(([service, image]) => [service, image?.tag ?? null]),
);

/** Tag → digest of what was behind it when somebody last looked. A tag that is not listed is pulled as it is. */
const DIGESTS: Readonly<Record<string, string>> = digests;

/** The official image of a service with its digest, as far as it is pinned; null where the project builds its own. */
export function upstreamImage(service: string, known = DIGESTS): string | null {
  const tag = UPSTREAM[service];
  if (!tag) return null;
  const digest = known[tag];
  return digest ? `${tag}@${digest}` : tag;
}

/** Whether there is an image of a service at all: one that Debian does not have is only pulled. */
export function hasImage(service: string, source: ImageSource): boolean {
  return (source === 'upstream' && UPSTREAM[service] != null) || existsSync(join('images', service));
}

/** Suite on which an image of the project stands. systemd 252 of bookworm runs on cgroup v1 and v2, 257 on v2 only. */
export const SUITES: Readonly<Record<string, 'trixie' | 'bookworm'>> = { 'gateway-host': 'bookworm' };

/** The command line that builds a service's image as the stack does, for a person to watch. */
export function buildCommand(service: string): string {
  const context = service === 'runtime' ? join('dist', 'image') : join('images', service);
  return `docker build --build-arg BASE="$(sh images/base/make.sh ${SUITES[service] ?? 'trixie'})" ${context}`;
}
