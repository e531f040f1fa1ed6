import { UserError } from '../../stack/errors.js';
import type { StackOutputs } from '../../stack/outputs.js';
import { say } from '../output.js';
import { ensureStack, runPulumi, type PulumiRun } from '../pulumi-cli.js';
import type { StackFolder } from '../stack-folder.js';
import { checkState, clearTheWay } from './clear-the-way.js';
import { GATEWAY_REMOVAL, type Changes, type Engine } from './engine.js';
import { explainPulumi } from './explain.js';
import { keptWords, refusedAsProtected } from './kept-data.js';
import { removeOneShots } from './left-one-shots.js';
import { withPortHolder } from './port-taken.js';
import { withLastWords } from './last-words.js';
import { Standing } from './standing.js';

const QUIETLY = ['--yes', '--non-interactive', '--suppress-outputs', '--parallel', '8'];

/** The Pulumi CLI with the stack's own backend, passphrase and working config. */
export class PulumiEngine implements Engine {
  readonly name = 'pulumi';
  readonly #standing: Standing;
  /** Asked once between two runs: each call of the CLI takes half a second. */
  #outputs: Promise<StackOutputs | null> | undefined;

  constructor(
    private readonly folder: StackFolder,
    private readonly cli: string,
  ) {
    this.#standing = new Standing(folder);
  }

  /**
   * Starts what had stopped, and refreshes first where something is missing, so that a container killed or removed by hand
   * is mended. Otherwise the refresh, half of the time of a run that changes nothing, is left out.
   */
  async up(): Promise<Changes | null> {
    this.#refuseAnotherHost();
    await clearTheWay(this.folder, this.cli);
    await ensureStack(this.folder, this.cli);
    this.folder.settle('pulumi');
    const { whole, started } = await this.#standing.restore();
    const runs = await this.#apply(['up', '--skip-preview', ...QUIETLY, ...(whole ? [] : ['--refresh'])]);
    this.#outputs = undefined;
    const [changes, outputs] = await Promise.all([this.#lastChanges(runs), this.outputs()]);
    if (outputs) await this.#standing.record(outputs);
    return changes && { ...changes, update: changes.update + started };
  }

  /**
   * Runs `up`; gives how many runs it took. A data volume that is to be kept and that the configuration no longer has stays where
   * it is: the CLI would forget it, as it is retained, but refuses to as long as it is protected.
   */
  async #apply(args: readonly string[]): Promise<number> {
    const forgotten = new Set<string>();
    for (let runs = 1; ; runs += 1) {
      const run = await this.#follow(args);
      if (run.code === 0) return runs;
      const refused = run.interrupted ? [] : refusedAsProtected(run.stdout).filter((urn) => !forgotten.has(urn));
      const kept = await this.#retained(refused);
      if (kept.length === 0) throw await this.#failure(args, run);
      for (const urn of kept) {
        await this.#must(['state', 'unprotect', urn, '--yes']);
        forgotten.add(urn);
        say(keptWords(nameIn(urn)));
      }
    }
  }

  /** Those of the resources that the state would only forget. */
  async #retained(urns: readonly string[]): Promise<readonly string[]> {
    if (urns.length === 0) return [];
    const retained = (await this.#resources()).filter(({ retainOnDelete }) => retainOnDelete === true);
    return urns.filter((urn) => retained.some((resource) => resource.urn === urn));
  }

  /** Volumes that are kept are protected against everything but this command, which only forgets them. */
  async destroy(): Promise<void> {
    await clearTheWay(this.folder, this.cli);
    await removeOneShots(this.folder.dockers, this.folder.instance);
    await this.#must(['state', 'unprotect', '--all', '--yes']);
    await this.#must(['destroy', ...QUIETLY]);
    await this.#must(['stack', 'rm', this.folder.stack, '--yes', '--preserve-config']);
    this.#standing.forget();
  }

  async config(): Promise<Readonly<Record<string, string>>> {
    const plain = this.folder.readConfig();
    if (!Object.values(plain).some((text) => text.includes('"secure":'))) return plain;
    checkState(this.folder);
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
    return (await this.#resources()).find(({ urn }) => nameIn(urn) === name)?.urn;
  }

  async #resources(): Promise<readonly Recorded[]> {
    const { deployment } = (await this.#json(['stack', 'export'])) as { deployment: { resources?: Recorded[] } };
    return deployment.resources ?? [];
  }

  async #json(args: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await runPulumi(this.folder, this.cli, args, 'capture');
    if (code !== 0) throw explainPulumi(args.slice(0, 2).join(' '), code, stderr);
    return JSON.parse(stdout) as unknown;
  }

  async outputs(): Promise<StackOutputs | null> {
    this.#outputs ??= this.#readOutputs();
    return this.#outputs;
  }

  /** Null for a stack that was never completely up; a state that does not open is no such stack. */
  async #readOutputs(): Promise<StackOutputs | null> {
    checkState(this.folder);
    const { code, stdout, stderr } = await runPulumi(
      this.folder,
      this.cli,
      ['stack', 'output', '--json', '--show-secrets'],
      'capture',
    );
    if (code !== 0) {
      const error = explainPulumi('stack output', code, stderr);
      if (error.code === 'RESOURCE_FAILED') return null;
      throw error;
    }
    const outputs = JSON.parse(stdout) as Partial<StackOutputs>;
    return outputs.services ? (outputs as StackOutputs) : null;
  }

  /** The state knows each thing on one Docker host; on another one it would find nothing and believe it gone. */
  #refuseAnotherHost(): void {
    const { dockerHost: known, further } = this.#standing;
    if (known === null) return;
    const { dockerHost: wanted, furtherHosts } = this.folder;
    const refuse = (key: string, from: string, to: string) =>
      new UserError(
        'CONFIG',
        `telegram:${key}: the stack stands on ${from || 'this machine'}, not on ${to || 'this machine'}`,
        {
          fix: `Set it back in ${this.folder.configFile}, or run \`npm run destroy\` first.`,
        },
      );
    if (known !== wanted) throw refuse('docker.host', known, wanted);
    for (const { name, dockerHost } of further) {
      const there = furtherHosts[name];
      if (there !== dockerHost) throw refuse(`dockerHosts.${name}.host`, dockerHost, there ?? 'any host of that name');
    }
  }

  async #must(args: readonly string[]): Promise<void> {
    const run = await this.#follow(args);
    if (run.code !== 0) throw await this.#failure(args, run);
  }

  async #follow(args: readonly string[]): Promise<PulumiRun> {
    return runPulumi(this.folder, this.cli, args, 'follow');
  }

  async #failure([command = '']: readonly string[], { code, stdout, interrupted }: PulumiRun): Promise<unknown> {
    if (interrupted) return new UserError('INTERRUPTED', `\`pulumi ${command}\` was interrupted`);
    // A container that is not well says itself what ails it.
    const error = await withLastWords(explainPulumi(command, code, stdout), this.folder.dockers, this.folder.instance);
    return withPortHolder(error, this.folder.dockers);
  }

  /** What the last runs changed together, and what the very last one left as it was. */
  async #lastChanges(runs: number): Promise<Changes | null> {
    const history = ['stack', 'history', '--json', '--page-size', String(runs)];
    const { code, stdout } = await runPulumi(this.folder, this.cli, history, 'capture');
    if (code !== 0) return null;
    const updates = JSON.parse(stdout) as { resourceChanges?: Partial<Changes> }[];
    const counts = updates.map(({ resourceChanges = {} }) => resourceChanges);
    const sum = (kind: keyof Changes) => counts.reduce((total, { [kind]: count = 0 }) => total + count, 0);
    return {
      create: sum('create'),
      update: sum('update'),
      replace: sum('replace'),
      delete: sum('delete'),
      same: counts[0]?.same ?? 0,
    };
  }
}

/** As much of a resource as this engine reads of an exported state. */
interface Recorded {
  readonly urn: string;
  readonly retainOnDelete?: boolean;
}

const nameIn = (urn: string) => urn.split('::').at(-1) ?? urn;
