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

/** Owner of the processes and of their files, as images/runtime makes it. */
export const OWNER = '10001:10001';

/** Where the credentials volume is mounted, read-only; `TELEGRAM_CREDENTIALS_FILE` points there by default. */
export const CREDENTIALS_FOLDER = '/credentials';
