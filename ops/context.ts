import { UserError } from '../stack/errors.js';
import type { StackOutputs } from '../stack/outputs.js';
import { DockerHosts } from './docker-hosts.js';
import { chooseEngine, type Choice } from './engines/choose.js';
import { StackFolder } from './stack-folder.js';

export interface StackOptions {
  /** Name of the stack. @default 'dev' */
  readonly stack: string;
  readonly engine?: string;
  /** Stack file to start from. @default Pulumi.<stack>.yaml */
  readonly config?: string;
}

/** The folder of a stack with all that belongs in it. */
export function openFolder(options: StackOptions): StackFolder {
  const folder = new StackFolder(options.stack, options.config);
  folder.prepare();
  return folder;
}

/** The stack a command was called for. */
export function openStack(options: StackOptions): { readonly folder: StackFolder; readonly choice: Choice } {
  const folder = openFolder(options);
  return { folder, choice: chooseEngine(folder, options.engine ?? process.env['TELEGRAM_ENGINE']) };
}

export interface RunningStack {
  readonly folder: StackFolder;
  readonly outputs: StackOutputs;
  readonly hosts: DockerHosts;
}

/** A stack that is up, or the error that says how to bring it up. */
export async function runningStack(options: StackOptions): Promise<RunningStack> {
  const folder = new StackFolder(options.stack, options.config);
  if (!folder.engine) throw new UserError('NOT_UP', `stack "${options.stack}" is not up`);
  const { choice } = openStack(options);
  const outputs = await choice.engine.outputs();
  if (!outputs) throw new UserError('NOT_UP', `stack "${options.stack}" was never completely up`);
  return { folder, outputs, hosts: new DockerHosts(outputs) };
}
