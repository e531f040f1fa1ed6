import { writeFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import { DockerHost, type DockerFacts } from '../../stack/docker-host.js';
import { UserError } from '../../stack/errors.js';
import { openFolder, runningStack, type StackOptions } from '../context.js';
import { printJson } from '../output.js';
import type { StackFolder } from '../stack-folder.js';
import { commandRunner } from './command.js';
import { performAll, type StepResult } from './perform.js';
import { LIFE, STEPS, type StepName } from './steps.js';
import { allExpectations, isExpectation, type Expectation } from './surroundings.js';

export interface ProveOptions extends StackOptions {
  /** Names of steps, by commas, on a stack that is up. @default the whole life, of a stack that is not */
  readonly steps?: string;
  /** What the machine has to be like, by commas: `upstream-images`, `cgroup2`, `apparmor`. @default nothing */
  readonly expect?: string;
  /** A stack that failed is not destroyed, so that it can be looked at. */
  readonly keep?: boolean;
  /** Only lists the steps and what each shows. */
  readonly list?: boolean;
  /** The result is written to this file too. */
  readonly summary?: string;
}

export interface Proof {
  readonly ok: boolean;
  /** Without the Docker engine's part where none answers. */
  readonly machine: Partial<DockerFacts> & {
    readonly kernel: string;
    readonly architecture: string;
    readonly node: string;
  };
  readonly steps: readonly StepResult[];
}

/**
 * Leads a stack through its whole life on this machine, by the commands that a person would use. The result is JSON on stdout,
 * progress goes to stderr; exit 1 where a step fails. What comes after such a step is left out, but for what cleans up.
 */
export async function prove(options: ProveOptions): Promise<void> {
  if (options.list) {
    printJson(LIFE.map((name) => ({ step: name, shows: STEPS[name].shows })));
    return;
  }
  const names = stepsOf(options.steps);
  const expected = expectationsOf(options.expect);
  const folder = openFolder(options);
  refuseUnfit(folder, names);
  const steps = await performAll(names, options.keep === true, {
    command: commandRunner({ TELEGRAM_STACK: options.stack }, optionsOfUp(options)),
    prefix: folder.readConfig()['telegram:namePrefix'] ?? '',
    dockers: folder.dockers,
    engine: () => folder.engine,
    stack: async () => runningStack(options),
    expected,
  });
  const ok = steps.every(({ outcome }) => outcome !== 'failed');
  const proof: Proof = { ok, machine: await machineOf(folder), steps };
  printJson(proof);
  if (options.summary) writeFileSync(options.summary, `${JSON.stringify(proof, null, 2)}\n`);
  if (!ok) process.exitCode = 1;
}

function stepsOf(list: string | undefined): readonly StepName[] {
  if (list === undefined) return LIFE;
  return list.split(',').map((name) => {
    if (Object.hasOwn(STEPS, name)) return name as StepName;
    throw new UserError('USAGE', `--steps: unknown step "${name}"; there are ${Object.keys(STEPS).join(', ')}`);
  });
}

function expectationsOf(list: string | undefined): readonly Expectation[] {
  return (list?.split(',') ?? []).map((name) => {
    if (isExpectation(name)) return name;
    throw new UserError('USAGE', `--expect: unknown "${name}"; there are ${allExpectations().join(', ')}`);
  });
}

/** A whole life ends with `destroy`: it begins with nothing, so that nobody's stack is taken. */
function refuseUnfit(folder: StackFolder, names: readonly StepName[]): void {
  if (names[0] === 'up' && folder.engine)
    throw new UserError('USAGE', `stack "${folder.stack}" is up, and the proof would destroy it`, {
      fix: `\`npm run destroy\` first, or \`npm run prove -- --steps smoke,doctor,again\` for what leaves it as it is.`,
    });
  if (names[0] !== 'up' && names[0] !== 'leftovers' && !folder.engine)
    throw new UserError('NOT_UP', `stack "${folder.stack}" is not up`);
}

const optionsOfUp = ({ engine, config }: StackOptions): readonly string[] => [
  ...(engine ? ['--engine', engine] : []),
  ...(config ? ['--config', config] : []),
];

async function machineOf({ dockerHost }: StackFolder): Promise<Proof['machine']> {
  const facts = await new DockerHost(dockerHost).facts().catch(() => ({}));
  return { ...facts, kernel: release(), architecture: arch(), node: process.versions.node };
}
