import { duration, say } from '../output.js';
import { NotProven, type Figures, type Surroundings } from './step.js';
import { STEPS, type StepName } from './steps.js';

export interface StepResult {
  readonly step: StepName;
  readonly outcome: 'proven' | 'failed' | 'left out';
  readonly seconds: number;
  /** What the step measured, or why it failed or was left out. */
  readonly figures: Figures;
}

const leftOut = (step: StepName, why: string): StepResult => ({
  step,
  outcome: 'left out',
  seconds: 0,
  figures: { why },
});

/** One step after the other. After one that failed the rest is left out, but for what cleans up, unless all is to be kept. */
export async function performAll(
  names: readonly StepName[],
  keep: boolean,
  surroundings: Surroundings,
): Promise<readonly StepResult[]> {
  const steps: StepResult[] = [];
  for (const name of names) {
    const failed = steps.some(({ outcome }) => outcome === 'failed');
    if (failed && (keep || !STEPS[name].always)) steps.push(leftOut(name, 'a step failed'));
    else steps.push(await perform(name, surroundings));
  }
  return steps;
}

async function perform(step: StepName, surroundings: Surroundings): Promise<StepResult> {
  const { needs, run } = STEPS[step];
  const engine = surroundings.engine();
  if (needs && engine !== needs) return leftOut(step, `the ${needs} engine alone has it`);
  if (step === 'destroy' && !engine) return leftOut(step, 'nothing was made');
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 100) / 10;
  try {
    const figures = await run(surroundings);
    const { took } = figures;
    say(`✔ ${step} (${typeof took === 'string' ? `${took}; ` : ''}${duration(Date.now() - started)})`);
    return { step, outcome: 'proven', seconds: seconds(), figures };
  } catch (error) {
    // Whatever it is, the rest of the proof is worth having, and the machine is to be left clean.
    const why = error instanceof Error ? error.message : String(error);
    say(`✖ ${step}: ${why}`);
    const seen = error instanceof NotProven ? error.figures : {};
    return { step, outcome: 'failed', seconds: seconds(), figures: { why, ...seen } };
  }
}
