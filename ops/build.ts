import { execFileSync } from 'node:child_process';
import { UserError } from '../stack/errors.js';
import { ROOT } from './stack-folder.js';

/** Bundles the runtime into `dist/`; the same sources give the same bytes, so doing it again changes nothing. */
export function buildRuntime(): void {
  try {
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (cause) {
    const why = String((cause as { stderr?: Buffer }).stderr).trim();
    throw new UserError('BUILD_MISSING', 'the runtime could not be bundled', { cause, why });
  }
}
