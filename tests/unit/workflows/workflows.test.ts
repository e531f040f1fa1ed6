import { afterAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { LIFE, STEPS } from '../../../ops/prove/steps.js';
import { allExpectations } from '../../../ops/prove/surroundings.js';
import { ROOT } from '../../../ops/stack-folder.js';
import { ed25519KeyPair } from '../../../stack/ssh-keys.js';
import { verdict } from '../../support/pulumi.js';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = join(ROOT, '.github', 'workflows');
const textIn = (file: string) => readFileSync(join(FOLDER, file), 'utf8');
const read = (file: string) => parse(textIn(file)) as Workflow;
const FILES = readdirSync(FOLDER);
const JOBS = FILES.flatMap((file) =>
  Object.entries(read(file).jobs).map(([name, job]) => [`${file} ${name}`, job] as const),
);
const textOf = (job: Job) => JSON.stringify(job);
/** Whether something of the repository, and so of a pull request, runs in it. */
const runsProject = ({ steps }: Job) =>
  steps.some(({ uses, run }) => uses?.startsWith('actions/checkout@') ?? /\bnpm\b|\bnode\b/.test(run ?? ''));
const OF_THIS_REPOSITORY = 'github.event.pull_request.head.repo.full_name == github.repository';

describe.each(FILES)('workflow %s', (file) => {
  const workflow = read(file);

  it('O2 never runs foreign code with the rights of this repository', () => {
    expect(Object.keys(workflow.on)).not.toEqual(expect.arrayContaining(['pull_request_target']));
    expect(Object.keys(workflow.on)).not.toEqual(expect.arrayContaining(['workflow_run']));
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  it('O2 takes actions of GitHub itself only, each by the commit of one version', () => {
    const uses = textIn(file).match(/^.*\buses:.*$/gm) ?? [];
    expect(uses).toHaveLength(Object.values(workflow.jobs).flatMap(({ steps }) => steps.filter((s) => s.uses)).length);
    for (const line of uses) expect(line).toMatch(/ uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('O2 installs nothing by a name that moves: the Node.js is that of .nvmrc, exactly', () => {
    expect(textIn(file)).not.toMatch(/@(latest|main|master)\b/);
    for (const { steps } of Object.values(workflow.jobs))
      for (const { uses, with: options } of steps)
        if (uses?.startsWith('actions/setup-node@')) expect(options).toEqual({ 'node-version-file': '.nvmrc' });
    expect(readFileSync(join(ROOT, '.nvmrc'), 'utf8')).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe.each(JOBS)('job %s', (_, job) => {
  it('O2 that may write runs nothing of the checkout', () => {
    const writes = Object.values(job.permissions ?? {}).includes('write');
    expect([writes, runsProject(job)]).not.toEqual([true, true]);
  });

  it('O2 that gets a secret is none of a fork, and hands it to one step only', () => {
    if (!textOf(job).includes('secrets.')) return;
    expect(job.if).toContain(OF_THIS_REPOSITORY);
    expect(job.if).not.toContain('||');
    expect(JSON.stringify(job.env ?? {})).not.toContain('secrets.');
    expect(job.steps.filter((step) => JSON.stringify(step).includes('secrets.'))).toHaveLength(1);
  });

  it('O2 keeps no token in the checkout, shows no secret, and ends', () => {
    for (const { uses, with: options } of job.steps)
      if (uses?.startsWith('actions/checkout@')) expect(options).toMatchObject({ 'persist-credentials': false });
    expect(textOf(job)).not.toContain('--show-secrets');
    expect(job['timeout-minutes']).toBeLessThanOrEqual(90);
  });

  it('O2 puts nothing that others write into a script', () => {
    for (const { run = '' } of job.steps) expect(run).not.toMatch(/\$\{\{\s*(github|vars|secrets|inputs)\b/);
  });

  it('O2 that installs the CLI uses that one, and no other on PATH', () => {
    for (const { run = '' } of job.steps) {
      expect(run).not.toContain('.pulumi/bin/pulumi');
      if (!run.includes('get.pulumi.com')) continue;
      expect(run).toMatch(/--version 3\.260\.0\n/);
      expect(run).toContain('\necho "$HOME/.pulumi/bin" >> "$GITHUB_PATH"\n');
    }
  });

  it('O12 calls commands that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const names = job.steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name),
    );
    for (const name of names) expect(Object.keys(scripts)).toContain(name);
  });
});

describe('preview of a pull request', () => {
  const { on, jobs } = read('preview.yml');
  const [fresh, stack, comment] = [jobs['fresh'], jobs['stack'], jobs['comment']];

  it('O2 happens for every pull request, a fork on an empty backend and the own Docker of the runner', () => {
    expect(Object.keys(on)).toEqual(['pull_request']);
    expect(fresh?.if).toBeUndefined();
    expect(textOf(fresh as Job)).not.toMatch(/secrets\.|vars\.|PULUMI_|DOCKER_HOST/);
  });

  it('O2 suppresses outputs and asks the policy pack', () => {
    for (const job of [fresh, stack]) {
      const [preview] = (job?.steps ?? []).filter(({ run }) => run?.includes(' preview '));
      // What tests/cli/cases/policy.ts reads from the workflow and runs.
      expect(preview?.run).toContain('--policy-pack policy --suppress-outputs --non-interactive --color never');
    }
  });

  it('O2 is a comment where the token may write, which it may not for a fork', () => {
    expect(comment?.permissions).toEqual({ 'pull-requests': 'write' });
    expect(comment?.if).toContain(OF_THIS_REPOSITORY);
  });
});

describe('the comment on a pull request', () => {
  const { jobs } = read('preview.yml');
  const folder = mkdtempSync(join(tmpdir(), 'comment-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const fileOf = (job: string) => {
    const [upload] = (jobs[job]?.steps ?? []).filter(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
    return String(upload?.with?.['path']);
  };

  /** The job's own script, in the folder that the artifacts of these jobs were merged into; `gh` shows what it would post. */
  const comment = (...of: readonly string[]) => {
    for (const job of of) writeFileSync(join(folder, fileOf(job)), `what ${job} would change\n`);
    writeFileSync(join(folder, 'gh'), '#!/bin/sh\ncat comment.md\n', { mode: 0o755 });
    const { status, stdout } = spawnSync('bash', ['-e', '-c', jobs['comment']?.steps.at(-1)?.run ?? ''], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
      env: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, NUMBER: '1' },
    });
    return [status, stdout];
  };

  it('O2 holds the preview of each job that made one, also where only the fresh stack has', () => {
    expect(jobs['comment']?.steps[0]?.with).toEqual({ pattern: 'preview-*', 'merge-multiple': true });
    const part = (name: string) => `<details><summary>${name}</summary>\n\n~~~~~~~~text\nwhat ${name} would change\n`;
    expect(comment('fresh')).toEqual([0, expect.stringContaining(part('fresh'))]);
    expect(comment('fresh', 'stack')).toEqual([0, expect.stringContaining(part('stack'))]);
  });
});

describe('the preview of the own stack', () => {
  const [step] = (read('preview.yml').jobs['stack']?.steps ?? []).filter(({ env }) => env !== undefined);
  const folder = mkdtempSync(join(tmpdir(), 'preview-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** The step's own script, with a CLI that knows this Docker host and previews by listing the keys of the SSH agent. */
  const perform = (host: string, key = '') => {
    const cli = `#!/bin/sh\n[ "$1" = preview ] && ssh-add -l || echo '${host}'\n`;
    writeFileSync(join(folder, 'pulumi'), cli, { mode: 0o755 });
    const { status, stdout } = spawnSync('bash', ['-eo', 'pipefail', '-c', step?.run ?? ''], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
      env: {
        PATH: `${folder}:${process.env['PATH'] ?? ''}`,
        HOME: folder,
        PULUMI_STACK: 'prod',
        DOCKER_HOST_SSH_KEY: key,
        DOCKER_HOST_KNOWN_HOSTS: 'docker.example.org ssh-ed25519 AAAA',
      },
    });
    const [, agent] = /Agent pid (\d+)/.exec(stdout) ?? [];
    if (agent) process.kill(Number(agent));
    return { status, stdout };
  };

  it.each(['', 'unix:///var/run/docker.sock', 'tcp://10.0.0.1:2375'])(
    'O2 is refused where the Docker host is "%s", of which a runner sees nothing',
    (host) => {
      const { status, stdout } = perform(host);
      expect([status, stdout]).toEqual([
        1,
        expect.stringContaining('telegram:docker.host of this stack is not ssh://'),
      ]);
    },
  );

  const hasAgent = spawnSync('ssh-agent', ['-h'], { stdio: 'ignore' }).error === undefined;
  (hasAgent ? it : it.skip)(
    'O2 reaches a Docker host over SSH with the key of the environment, by its known key',
    () => {
      const { privateKeyOpenSsh } = ed25519KeyPair(randomBytes(32));
      const { status, stdout } = perform('ssh://deploy@docker.example.org', privateKeyOpenSsh);
      expect([status, stdout]).toEqual([0, expect.stringContaining('(ED25519)')]);
      expect(readFileSync(join(folder, '.ssh', 'known_hosts'), 'utf8')).toContain(
        'docker.example.org ssh-ed25519 AAAA',
      );
      expect(readdirSync(join(folder, '.ssh'))).toEqual(['known_hosts']);
    },
  );
});

describe('the tests on a hosted runner', () => {
  it('O2 have the CLI, and fail without it', () => {
    const [job] = Object.values(read('ci.yml').jobs);
    expect(job?.steps.some(({ run }) => run?.includes('get.pulumi.com'))).toBe(true);
    expect(job?.steps.at(-1)).toMatchObject({
      run: 'bash .ci/run',
      env: { REQUIRE_PULUMI: '1', TEST_DOCKER_RESTART: 'sudo systemctl restart docker' },
    });
  });

  it('M10 have what single tests ask: promtool, the linter of dashboards, a browser', () => {
    const [job] = Object.values(read('ci.yml').jobs);
    const installed = job?.steps.map(({ run = '' }) => run).join('\n') ?? '';
    expect(installed).toContain('install -y --no-install-recommends prometheus');
    // By its commit, and from its source: the module has a `replace`, which `go install …@version` refuses.
    expect(installed).toMatch(/git fetch .* https:\/\/github\.com\/grafana\/dashboard-linter [0-9a-f]{40}\n/);
    const { CHROMIUM } = job?.steps.at(-1)?.env ?? {};
    expect(CHROMIUM).toMatch(/^\/usr\/bin\//);
  });

  it('O2 skip the level where nobody asked for the CLI', () => {
    expect(verdict(null, {})).toBe('run');
    expect(verdict(null, { REQUIRE_PULUMI: '1' })).toBe('run');
    expect(verdict('no CLI', {})).toBe('skip');
    expect(verdict('no CLI', { REQUIRE_PULUMI: '1' })).toBe('fail');
  });
});

describe('the proof on a real machine', () => {
  it('O1 is `npm run prove` with each engine, whose result is kept', () => {
    const [job] = Object.values(read('real-machine.yml').jobs);
    const steps = job?.steps ?? [];
    const prove = 'npm run prove -- --engine ${{ matrix.engine }} --summary proof.json';
    const command = steps.find(({ run }) => run?.startsWith(prove))?.run;
    const [, expected = ''] = /--expect (\S+)/.exec(command ?? '') ?? [];
    expect(expected.split(',')).toEqual(allExpectations());
    expect(steps.at(-1)).toMatchObject({ if: 'always()', with: { path: 'proof.json' } });
  });

  it('O1 leads a stack through all of its life, and every step is part of it', () => {
    expect([...new Set(LIFE)].sort()).toEqual(Object.keys(STEPS).sort());
    const at = (name: (typeof LIFE)[number]) => LIFE.indexOf(name);
    const order = [
      at('up'),
      at('smoke'),
      at('preview'),
      at('rotate'),
      LIFE.lastIndexOf('preview'),
      at('destroy'),
      at('leftovers'),
    ];
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});
