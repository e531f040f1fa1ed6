import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';

const TAG = 'telegram-hybrid-stack/test-image-tools';

/** Builds the image of `image-tools/Dockerfile`, once a machine, and returns its tag and that of its base. */
export function imageTools(): { readonly tag: string; readonly base: string } {
  const base = execFileSync('sh', ['images/base/make.sh', 'trixie'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const context = join(ROOT, 'tests', 'support', 'image-tools');
  execFileSync('docker', ['build', '-q', '-t', TAG, '--build-arg', `BASE=${base}`, context], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  return { tag: TAG, base };
}
