import { posix } from 'node:path';

export interface InlineFile {
  /** Absolute; its folder becomes a tmpfs of the container's own. */
  readonly path: string;
  readonly content: string;
}

export interface InlineFiles {
  readonly entrypoint: string[];
  readonly command: string[];
  readonly tmpfs: Readonly<Record<string, string>>;
}

/**
 * Entry point that writes the files and then becomes `argv`; null without files. The folders are tmpfs owned by the
 * container's user, `noexec`: scripts are read by `sh`, never executed. Docker refuses to copy files into a container
 * whose root is read-only, so what is not secret travels in the command: a change replaces the container, a restart
 * writes the files again, and no volume can hold a stale copy.
 */
export function inlineFiles(files: readonly InlineFile[], argv: readonly string[], user = '0:0'): InlineFiles | null {
  if (files.length === 0) return null;
  const [uid = '0', gid = '0'] = user.split(':');
  const folders = [...new Set(files.map(({ path }) => posix.dirname(path)))];
  const writes = files.map(({ path, content }, n) => {
    const end = `END_OF_FILE_${String(n)}`;
    if (content.split('\n').includes(end)) throw new Error(`${path} contains the line that would end it`);
    return `cat >${path} <<'${end}'\n${content.endsWith('\n') ? content : `${content}\n`}${end}\n`;
  });
  return {
    entrypoint: ['/bin/sh', '-c'],
    command: [`umask 077\n${writes.join('')}exec "$@"\n`, 'sh', ...argv],
    tmpfs: Object.fromEntries(
      folders.map((folder) => [folder, `rw,noexec,nosuid,size=1m,mode=0700,uid=${uid},gid=${gid}`]),
    ),
  };
}
