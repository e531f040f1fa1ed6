export type RuntimeProcess = 'api' | 'consumer' | 'simulator';

/** Share of the container's memory that V8 may use for its old generation; the rest is buffers, code and native memory. */
const HEAP_SHARE = 0.65;

/** Words that start a process in the runtime image. The simulator is a bundle of its own. */
export function commandOf(process: RuntimeProcess, memoryMb: number): { entrypoint: string[]; command: string[] } {
  const node = ['/app/node', `--max-old-space-size=${String(Math.floor(memoryMb * HEAP_SHARE))}`];
  return process === 'simulator'
    ? { entrypoint: [...node, '/app/simulator.cjs'], command: [] }
    : { entrypoint: [...node, '/app/telegram.cjs'], command: [process] };
}

/** Alive, not ready: a database that restarts must not make this container unhealthy. */
export function healthOf(port: number): string[] {
  return ['/app/probe', String(port), '/health/live'];
}

/** Longest wait for a process to change over: it proves the new logins first and lets go of the former ones last. */
const CHANGE_OVER_S = 60;

/**
 * Shell commands that make a running container read its credentials again and wait until all of its connections use them.
 * A container that does not run reads them when it starts; one of another `$IMAGE` is replaced next.
 */
export function changeOverScript(at: {
  readonly container: string;
  readonly port: number;
  readonly epoch: number;
}): string {
  const { container, port, epoch } = at;
  return `[ "$(docker inspect -f '{{.Image}}' ${container} 2>/dev/null)" = "$IMAGE" ] || exit 0
tries=0
while docker kill -s HUP ${container} >/dev/null 2>&1; do
  docker exec ${container} /app/probe ${String(port)} /health/credentials/${String(epoch)} && exit 0
  tries=$((tries + 1))
  if [ "$tries" -ge ${String(CHANGE_OVER_S)} ]; then
    echo '${container} does not take over its new credentials; the former ones stay valid. What it says: docker logs ${container}' >&2
    exit 1
  fi
  sleep 1
done`;
}

/** Owner of the processes and of their files, as images/runtime makes it. */
export const OWNER = '10001:10001';

/** Where the credentials volume is mounted, read-only; `TELEGRAM_CREDENTIALS_FILE` points there by default. */
export const CREDENTIALS_FOLDER = '/credentials';
