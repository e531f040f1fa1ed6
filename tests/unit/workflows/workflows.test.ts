import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { LIFE, STEPS } from '../../../ops/prove/steps.js';
import { ROOT } from '../../../ops/stack-folder.js';

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
const read = (file: string) => parse(readFileSync(join(FOLDER, file), 'utf8')) as Workflow;
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

  it('O2 takes actions of GitHub itself only', () => {
    for (const { steps } of Object.values(workflow.jobs))
      for (const { uses } of steps) expect(uses ?? 'actions/').toMatch(/^actions\//);
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
      // As tests/cli has tried it.
      expect(preview?.run).toContain('--policy-pack policy --suppress-outputs --non-interactive --color never');
    }
  });

  it('O2 is a comment where the token may write, which it may not for a fork', () => {
    expect(comment?.permissions).toEqual({ 'pull-requests': 'write' });
    expect(comment?.if).toContain(OF_THIS_REPOSITORY);
  });
});

describe('the proof on a real machine', () => {
  it('O1 is `npm run prove` with each engine, whose result is kept', () => {
    const [job] = Object.values(read('real-machine.yml').jobs);
    const steps = job?.steps ?? [];
    expect(
      steps.some(({ run }) => run?.startsWith('npm run prove -- --engine ${{ matrix.engine }} --summary proof.json')),
    ).toBe(true);
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
