/**
 * `command:local:Command`: runs `create`, on a changed input `update` (or `create` again), on removal `delete` with the inputs
 * of the last good run. Not supported: collecting assets. On failure the state keeps the last good run, so the next one tries again.
 */
import { spawn } from 'node:child_process';
import { z } from 'zod';
import { StepError } from '../errors.js';
import { CommandOutput } from './command-output.js';
import { defineHandler, type Applied, type Context, type Stored } from './handler.js';

const schema = z.strictObject({
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  interpreter: z.array(z.string()).min(1).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  stdin: z.string().optional(),
  dir: z.string().optional(),
  triggers: z.array(z.unknown()).optional(),
  addPreviousOutputInEnv: z.boolean().optional(),
  logging: z.enum(['none', 'stdout', 'stderr', 'stdoutAndStderr']).optional(),
});

type Inputs = z.output<typeof schema>;

const DEFAULT_INTERPRETER = ['/bin/sh', '-c'];

export const localCommand = defineHandler({
  schema,
  rules: { onChange: 'update', replaceKeys: ['triggers'], storeOnlyKeys: ['delete', 'logging'] },
  derivedOutputs: ['stdout', 'stderr'],
  create: (context, { inputs }) => apply(context, inputs.create, inputs, undefined),
  update: (context, { inputs, previous }) => apply(context, inputs.update ?? inputs.create, inputs, previous),
  remove: async (context, stored) => {
    await run(context, stored.inputs.delete, stored.inputs, stored);
  },
});

async function apply(
  context: Context,
  command: string | undefined,
  inputs: Inputs,
  previous: Stored<Inputs> | undefined,
): Promise<Applied> {
  return { id: previous?.id ?? context.autoName, outputs: await run(context, command, inputs, previous) };
}

async function run(
  context: Context,
  command: string | undefined,
  inputs: Inputs,
  previous: Stored<Inputs> | undefined,
): Promise<{ stdout: string; stderr: string }> {
  const output = new CommandOutput(inputs.logging ?? 'stdoutAndStderr', context.line);
  if (command === undefined) return output.finish({ code: 0, signal: null });
  const [shell = '/bin/sh', ...options] = inputs.interpreter ?? DEFAULT_INTERPRETER;
  const child = spawn(shell, [...options, command], {
    cwd: inputs.dir,
    env: { ...process.env, ...previousOutputs(inputs, previous), ...inputs.environment },
    stdio: 'pipe',
    // A group of its own, so that an interrupted run takes the command's children along.
    detached: true,
  });
  const stop = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  };
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    const code = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.on('error', (error) => {
        reject(new StepError(`${shell} could not be started: ${error.message}`));
      });
      child.stdout.on('data', (chunk: Buffer) => {
        output.add('stdout', chunk);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        output.add('stderr', chunk);
      });
      // A command that does not read its input closes the pipe: no error of ours.
      child.stdin.on('error', () => undefined);
      child.stdin.end(inputs.stdin ?? '');
      child.on('close', (exit, signal) => {
        resolve({ code: exit, signal });
      });
    });
    context.signal.throwIfAborted();
    return output.finish(code);
  } finally {
    context.signal.removeEventListener('abort', stop);
  }
}

function previousOutputs(inputs: Inputs, previous: Stored<Inputs> | undefined): Record<string, string> {
  if (previous === undefined || inputs.addPreviousOutputInEnv === false) return {};
  return {
    PULUMI_COMMAND_STDOUT: text(previous.outputs['stdout']),
    PULUMI_COMMAND_STDERR: text(previous.outputs['stderr']),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
