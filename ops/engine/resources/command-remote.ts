/**
 * `command:remote:Command`: the same rules as for a local command, over SSH. `delete` uses the connection of the last good run.
 * An environment is refused: sshd drops variables it was not told to accept, and the command would run without them.
 */
import { z } from 'zod';
import { CommandOutput } from './command-output.js';
import { defineHandler, type Applied, type Context } from './handler.js';
import { connectionSchema, execute, withConnection } from './ssh.js';

const schema = z.strictObject({
  connection: connectionSchema,
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  stdin: z.string().optional(),
  triggers: z.array(z.unknown()).optional(),
  environment: z
    .record(z.string(), z.string())
    .refine((variables) => Object.keys(variables).length === 0, 'not possible over SSH, pass values by stdin')
    .optional(),
  addPreviousOutputInEnv: z.boolean().optional(),
  logging: z.enum(['none', 'stdout', 'stderr', 'stdoutAndStderr']).optional(),
});

type Inputs = z.output<typeof schema>;

export const remoteCommand = defineHandler({
  schema,
  rules: {
    onChange: 'update',
    replaceKeys: ['triggers'],
    storeOnlyKeys: ['delete', 'logging', 'addPreviousOutputInEnv'],
  },
  derivedOutputs: ['stdout', 'stderr'],
  create: (context, { inputs }) => apply(context, inputs.create, inputs, context.autoName),
  update: (context, { inputs, previous }) =>
    apply(context, inputs.update ?? inputs.create, inputs, previous?.id ?? context.autoName),
  remove: async (context, { inputs }) => {
    await run(context, inputs.delete, inputs);
  },
});

async function apply(context: Context, command: string | undefined, inputs: Inputs, id: string): Promise<Applied> {
  return { id, outputs: await run(context, command, inputs) };
}

async function run(
  context: Context,
  command: string | undefined,
  inputs: Inputs,
): Promise<{ stdout: string; stderr: string }> {
  const output = new CommandOutput(inputs.logging ?? 'stdoutAndStderr', context.line);
  if (command === undefined) return output.finish({ code: 0, signal: null });
  const { stdin } = inputs;
  const ended = await withConnection(inputs.connection, context.signal, (client) =>
    execute(client, command, { stdin, output }),
  );
  return output.finish(ended);
}
