import { UserError } from '../../stack/errors.js';
import type { StackOutputs } from '../../stack/outputs.js';
import { ensureStack, runPulumi } from '../pulumi-cli.js';
import type { StackFolder } from '../stack-folder.js';
import { GATEWAY_REMOVAL, type Changes, type Engine } from './engine.js';

/** The Pulumi CLI with the stack's own backend, passphrase and working config. */
export class PulumiEngine implements Engine {
  readonly name = 'pulumi';

  constructor(
    private readonly folder: StackFolder,
    private readonly cli: string,
  ) {}

  /** Refreshes first, so that a container killed or removed by hand is mended. */
  async up(): Promise<Changes | null> {
    await ensureStack(this.folder, this.cli);
    this.folder.settle('pulumi');
    await this.#must([
      'up',
      '--yes',
      '--skip-preview',
      '--refresh',
      '--suppress-outputs',
      '--non-interactive',
      '--parallel',
      '8',
    ]);
    return this.#lastChanges();
  }

  async destroy(): Promise<void> {
    await this.#must(['destroy', '--yes', '--non-interactive', '--suppress-outputs', '--exclude-protected']);
    await this.#must(['stack', 'rm', this.folder.stack, '--yes', '--preserve-config']).catch(() => undefined);
  }

  async config(): Promise<Readonly<Record<string, string>>> {
    await ensureStack(this.folder, this.cli);
    const found = await this.#json(['config', '--json', '--show-secrets']);
    const entries = Object.entries(found as Record<string, { readonly value?: string }>);
    return Object.fromEntries(entries.map(([key, { value }]) => [key, value ?? '']));
  }

  async again(name: string): Promise<void> {
    const urn = await this.#urnOf(name);
    if (urn) await this.#must(['state', 'taint', urn, '--yes']);
  }

  async forgetGateway(): Promise<void> {
    const urn = await this.#urnOf(GATEWAY_REMOVAL);
    if (urn) await this.#must(['state', 'delete', urn, '--target-dependents', '--yes']);
  }

  async #urnOf(name: string): Promise<string | undefined> {
    const { deployment } = (await this.#json(['stack', 'export'])) as {
      deployment: { resources?: readonly { urn: string }[] };
    };
    return deployment.resources?.find(({ urn }) => urn.endsWith(`::${name}`))?.urn;
  }

  async #json(args: readonly string[]): Promise<unknown> {
    const { code, stdout } = await runPulumi(this.folder, this.cli, args, 'capture');
    if (code !== 0)
      throw new UserError(
        'RESOURCE_FAILED',
        `\`pulumi ${args.slice(0, 2).join(' ')}\` ended with code ${String(code)}`,
      );
    return JSON.parse(stdout) as unknown;
  }

  async outputs(): Promise<StackOutputs | null> {
    const { code, stdout } = await runPulumi(
      this.folder,
      this.cli,
      ['stack', 'output', '--json', '--show-secrets'],
      'capture',
    );
    if (code !== 0) return null;
    const outputs = JSON.parse(stdout) as Partial<StackOutputs>;
    return outputs.services ? (outputs as StackOutputs) : null;
  }

  async #must(args: readonly string[]): Promise<void> {
    const { code } = await runPulumi(this.folder, this.cli, args, 'inherit');
    if (code !== 0)
      throw new UserError('RESOURCE_FAILED', `\`pulumi ${args[0] ?? ''}\` ended with code ${String(code)}`);
  }

  async #lastChanges(): Promise<Changes | null> {
    const { code, stdout } = await runPulumi(
      this.folder,
      this.cli,
      ['stack', 'history', '--json', '--page-size', '1'],
      'capture',
    );
    if (code !== 0) return null;
    const [last] = JSON.parse(stdout) as { resourceChanges?: Partial<Record<keyof Changes, number>> }[];
    const none = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
    return last?.resourceChanges ? { ...none, ...last.resourceChanges } : null;
  }
}
