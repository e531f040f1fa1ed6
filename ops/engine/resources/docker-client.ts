import Docker from 'dockerode';
import { StepError } from '../errors.js';

/** Label on containers and networks; its value is the lineage of the state that made them. Volumes carry none: a label
 * that Pulumi does not know of would make it replace the volume, data and all. */
export const LINEAGE_LABEL = 'org.telegram-hybrid-stack.engine';

export const DEFAULT_DOCKER_HOST = 'unix:///var/run/docker.sock';

/** A client for `unix://` or `tcp://`; anything else is another machine, which the Pulumi CLI can reach and this engine cannot. */
export function connectDocker(host: string): Docker {
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length) });
  const address = /^tcp:\/\/(.+)$/.exec(host)?.[1];
  if (address === undefined) {
    throw new StepError(
      `Docker host ${host}: the embedded engine reaches unix:// and tcp:// only`,
      [],
      'ENGINE_UNSUPPORTED',
    );
  }
  const url = new URL(`http://${address}`);
  return new Docker({ protocol: 'http', host: url.hostname, port: Number(url.port === '' ? '2375' : url.port) });
}

/** HTTP status of an error of the Docker API. */
export function statusOf(error: unknown): number | undefined {
  return (error as { readonly statusCode?: number } | undefined)?.statusCode;
}

/** Text of the daemon, without the client's wrapping. */
export function reasonOf(error: unknown): string {
  const reason = (error as { readonly json?: { readonly message?: string } } | undefined)?.json?.message;
  return reason ?? (error instanceof Error ? error.message : String(error));
}

export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** Something still uses what should go: worth another try once the rest is gone. */
export function isInUse(error: unknown): boolean {
  return statusOf(error) === 409 || (statusOf(error) === 403 && /active endpoints|in use/.test(reasonOf(error)));
}

/** The daemon itself did not answer. */
export function isUnreachable(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall === 'connect' && ['ENOENT', 'ECONNREFUSED', 'EACCES'].includes(code ?? '');
}

/** The value, or `undefined` where the daemon knows no such thing. */
export async function orMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
