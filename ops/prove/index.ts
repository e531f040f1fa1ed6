import { writeFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import { DockerHost, type DockerFacts } from '../../stack/docker-host.js';
import { UserError } from '../../stack/errors.js';
import { openFolder, type StackOptions } from '../context.js';
import { duration, printJson, say } from '../output.js';
import type { StackFolder } from '../stack-folder.js';
import { commandRunner } from './command.js';
import { LIFE, NotProven, STEPS, type StepName, type Surroundings } from './steps.js';

export interface ProveOptions extends StackOptions {
  /** Names of steps, by commas, on a stack that is up. @default the whole life, of a stack that is not */
  readonly steps?: string;
  /** Only lists the steps and what each shows. */
  readonly list?: boolean;
  /** The result is written to this file too. */
  readonly summary?: string;
}

export interface StepResult {
  readonly step: StepName;
  readonly outcome: 'proven' | 'failed' | 'left out';
  readonly seconds: number;
  /** What the step measured, or why it failed or was left out. */
  readonly figures: Readonly<Record<string, unknown>>;
}

export interface Proof {
  readonly ok: boolean;
  readonly machine: DockerFacts & { readonly kernel: string; readonly architecture: string; readonly node: string };
  readonly steps: readonly StepResult[];
}

/**
 * Leads a stack through its whole life on this machine, by the commands that a person would use: up, messages, doctor, clean
 * preview, rotation, up without changes, destroy, nothing left. The result is JSON on stdout, progress goes to stderr; exit 1
 * where a step fails. A stack that failed stays as it is, to be looked at.
 */
export async function prove(options: ProveOptions): Promise<void> {
  if (options.list) {
    printJson(LIFE.map((name) => ({ step: name, shows: STEPS[name].shows })));
    return;
  }
  const names = stepsOf(options.steps);
  const folder = openFolder(options);
  refuseUnfit(folder, names);
  const surroundings: Surroundings = {
    command: commandRunner({ TELEGRAM_STACK: options.stack }, optionsOfUp(options)),
    prefix: folder.readConfig()['telegram:namePrefix'] ?? '',
    dockerHost: folder.dockerHost,
    engine: () => folder.engine,
  };
  const steps: StepResult[] = [];
  for (const name of names)
    steps.push(
      steps.some(({ outcome }) => outcome === 'failed')
        ? leftOut(name, 'a step failed')
        : await perform(name, surroundings),
    );
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

const leftOut = (step: StepName, why: string): StepResult => ({
  step,
  outcome: 'left out',
  seconds: 0,
  figures: { why },
});

async function perform(step: StepName, surroundings: Surroundings): Promise<StepResult> {
  const { needs, run } = STEPS[step];
  if (needs && surroundings.engine() !== needs) return leftOut(step, `the ${needs} engine alone has it`);
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 100) / 10;
  try {
    const figures = await run(surroundings);
    say(`✔ ${step} (${duration(Date.now() - started)})`);
    return { step, outcome: 'proven', seconds: seconds(), figures };
  } catch (error) {
    if (!(error instanceof NotProven)) throw error;
    say(`✖ ${step}: ${error.message}`);
    return { step, outcome: 'failed', seconds: seconds(), figures: { why: error.message } };
  }
}

async function machineOf({ dockerHost }: StackFolder): Promise<Proof['machine']> {
  const facts = await new DockerHost(dockerHost).facts();
  return { ...facts, kernel: release(), architecture: arch(), node: process.versions.node };
}
