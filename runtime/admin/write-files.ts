import { chmodSync, chownSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const inputSchema = z.object({
  directory: z.string(),
  files: z.record(z.string(), z.string()),
  owner: z.string().regex(/^\d+:\d+$/),
  mode: z.string().regex(/^0[0-7]{3}$/),
});

/** Writes files atomically with owner and mode; a reader sees the old content or the new one. Returns their paths. */
export function writeFiles(input: unknown): readonly string[] {
  const { directory, files, owner, mode } = inputSchema.parse(input);
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  chownSync(directory, uid, gid);
  return Object.entries(files).map(([name, content]) => {
    const path = join(directory, name);
    const temporary = `${path}.new`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, content, { mode: 0o600 });
    chownSync(temporary, uid, gid);
    chmodSync(temporary, Number.parseInt(mode, 8));
    renameSync(temporary, path);
    return path;
  });
}
