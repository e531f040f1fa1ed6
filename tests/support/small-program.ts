import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainPulumi } from '../../ops/engines/explain.js';
import { findPulumi } from '../../ops/pulumi-cli.js';
import { ROOT } from '../../ops/stack-folder.js';

/** Longest that one run of the CLI may take, in milliseconds. */
const BOUND_MS = 180_000;

/** A Pulumi program of a few lines with a state of its own: what the stack's own tests cannot break fails in it for real. */
export class SmallProgram {
  readonly folder = mkdtempSync(join(tmpdir(), 'failures-'));

  /** JavaScript, with `docker`, `local` and `remote` of the providers at hand. */
  constructor(program: string) {
    const head = `const docker = require('@pulumi/docker');\nconst { local, remote } = require('@pulumi/command');\n`;
    mkdirSync(join(this.folder, 'state'));
    writeFileSync(join(this.folder, 'Pulumi.yaml'), 'name: failures\nruntime: nodejs\n');
    writeFileSync(join(this.folder, 'package.json'), '{"name":"failures","main":"index.js"}');
    writeFileSync(join(this.folder, 'index.js'), head + program);
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** The error that a person would be told of its `up`, which has to fail. */
  failed(env: Readonly<Record<string, string>> = {}): ReturnType<typeof explainPulumi> {
    this.#pulumi(env, 'stack', 'select', '--create', 'failures');
    const { status, stdout, stderr } = this.#pulumi(env, 'up', '--yes', '--skip-preview');
    if (status === 0) throw new Error('`pulumi up` did not fail');
    return explainPulumi('up', status ?? 1, stdout + stderr);
  }

  /** What its preview comes to under the policy pack. */
  judged(env: Readonly<Record<string, string>> = {}): { readonly code: number; readonly told: string } {
    this.#pulumi(env, 'stack', 'select', '--create', 'failures');
    const { status, stdout, stderr } = this.#pulumi(env, 'preview', '--policy-pack', join(ROOT, 'policy'));
    return { code: status ?? 1, told: stdout + stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #pulumi(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
    return spawnSync(findPulumi() ?? 'pulumi', [...args, '--non-interactive', '--color', 'never'], {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: BOUND_MS,
      env: {
        ...process.env,
        PULUMI_BACKEND_URL: `file://${join(this.folder, 'state')}`,
        PULUMI_CONFIG_PASSPHRASE: 'one',
        PULUMI_SKIP_UPDATE_CHECK: 'true',
        DOCKER_BUILDKIT: '0',
        ...env,
      },
    });
  }
}
