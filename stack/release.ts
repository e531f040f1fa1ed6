import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from './errors.js';

const manifestSchema = z.object({
  hash: z.string(),
  release: z.string(),
  node: z.object({ version: z.string(), archive: z.string(), sha256: z.string() }),
  inputs: z.object({ sha256: z.string() }),
});

/** What `npm run build` made, with paths relative to the project. */
export interface Release {
  readonly hash: string;
  readonly archive: string;
  readonly nodeVersion: string;
  readonly nodeArchive: string;
  /** Build context of the runtime image. */
  readonly imageContext: string;
  /** Changes with anything in it, without reading its 135 MB. */
  readonly imageTag: string;
}

/** Reads `dist/manifest.json`; it is written last, so that its presence means that everything else is whole. */
export function readRelease(): Release {
  const path = join('dist', 'manifest.json');
  if (!existsSync(path)) throw new UserError('BUILD_MISSING', `${path} is missing: the runtime was not built`);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return {
    hash: manifest.hash,
    archive: join('dist', manifest.release),
    nodeVersion: manifest.node.version,
    nodeArchive: join('dist', manifest.node.archive),
    imageContext: join('dist', 'image'),
    imageTag: createHash('sha256')
      .update(manifest.inputs.sha256)
      .update(manifest.node.sha256)
      .digest('hex')
      .slice(0, 12),
  };
}
