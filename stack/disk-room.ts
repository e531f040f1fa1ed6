/** Free disk that images, volumes and logs of a first `up` need where Docker keeps its data, in MiB. */
export const FIRST_UP_MB = 4_096;
/** The same of an `up` of a stack that stands: what it may build anew, in MiB. */
export const NEXT_UP_MB = 1_024;

/**
 * Takes away images that no container uses and what the builder kept, and nothing else: `docker system prune` would also remove
 * every stopped container, and so a stack that was only stopped.
 */
export const MAKE_ROOM = 'docker image prune --all && docker builder prune';

/** Whether the free space, in MiB, is enough for this `up`; a line that says what to do where it is not. */
export function diskRoom(rootDir: string, freeMb: number, stands: boolean): string[] {
  const floorMb = stands ? NEXT_UP_MB : FIRST_UP_MB;
  if (freeMb >= floorMb) return [];
  return [
    `disk: expected ${String(floorMb)} MiB free under ${rootDir}, found ${String(freeMb)}; run \`${MAKE_ROOM}\` or make room`,
  ];
}
