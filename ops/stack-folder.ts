import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { DockerHost } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';

/** Name of the Pulumi project. */
export const PROJECT = 'telegram';
const EPOCH_KEY = 'telegram:credentialEpoch';

/** Root of the checkout. */
export const ROOT = resolve(__dirname, '..');

/**
 * The one ignored folder of a stack: its working copy of the stack config, its state, its passphrase, and which engine it
 * belongs to. Nothing tracked by git changes when a stack is used.
 */
export class StackFolder {
  readonly path: string;

  /** `source`: the committed stack file that the working copy is made from. */
  constructor(
    readonly stack: string,
    private readonly source = join(ROOT, `Pulumi.${stack}.yaml`),
  ) {
    this.path = join(process.env['TELEGRAM_STATE_DIR'] ?? join(ROOT, '.stack'), stack);
  }

  get configFile(): string {
    return join(this.path, `Pulumi.${this.stack}.yaml`);
  }

  /** Pulumi's own state, one folder for all stacks of the checkout. */
  get backend(): string {
    return join(this.path, 'backend');
  }

  get passphraseFile(): string {
    return join(this.path, 'passphrase');
  }

  /** Makes what is missing; what exists is never changed. */
  prepare(): void {
    mkdirSync(this.backend, { recursive: true, mode: 0o700 });
    if (!existsSync(this.passphraseFile) && !this.#hasPulumiState())
      writeFileSync(this.passphraseFile, randomBytes(32).toString('base64url'), { mode: 0o600 });
    if (!existsSync(this.configFile)) this.#copyConfig();
  }

  #copyConfig(): void {
    if (!existsSync(this.source))
      throw new UserError('USAGE', `there is no ${basename(this.source)} for a stack named "${this.stack}"`);
    const document = parseDocument(readFileSync(this.source, 'utf8'));
    document.setIn(['config', 'telegram:instanceId'], `${this.stack}-${randomBytes(4).toString('hex')}`);
    document.commentBefore = ` Working copy of ${basename(this.source)}: change this one for this checkout's stack.`;
    writeFileSync(this.configFile, document.toString(), { mode: 0o600 });
  }

  /** `telegram:credentialEpoch` of the working copy. */
  get credentialEpoch(): number {
    return Number(this.readConfig()[EPOCH_KEY] ?? 1);
  }

  /** Both engines read the working copy; everything else in it stays as it is, comments and secrets included. */
  set credentialEpoch(epoch: number) {
    const document = parseDocument(readFileSync(this.configFile, 'utf8'));
    document.setIn(['config', EPOCH_KEY], epoch);
    writeFileSync(`${this.configFile}.new`, document.toString(), { mode: 0o600 });
    renameSync(`${this.configFile}.new`, this.configFile);
  }

  /** Engine that made the stack, or null before the first `up`. */
  get engine(): 'pulumi' | 'embedded' | null {
    const file = join(this.path, 'engine');
    if (!existsSync(file)) return null;
    return readFileSync(file, 'utf8').trim() === 'pulumi' ? 'pulumi' : 'embedded';
  }

  /** From now on the stack belongs to this engine. */
  settle(name: 'pulumi' | 'embedded'): void {
    writeFileSync(join(this.path, 'engine'), `${name}\n`);
  }

  /** After `destroy`: the next `up` is a first one and may use the other engine. The working config and the passphrase stay. */
  forget(): void {
    rmSync(join(this.path, 'engine'), { force: true });
  }

  /** A new passphrase would open nothing of a state that is there. */
  #hasPulumiState(): boolean {
    const states = join(this.backend, '.pulumi', 'stacks', PROJECT);
    return existsSync(join(states, `${this.stack}.json`)) || existsSync(join(states, `${this.stack}.json.gz`));
  }

  /** Docker host that the working copy names; empty is the local one. */
  get dockerHost(): string {
    const { host = '' } = JSON.parse(this.readConfig()['telegram:docker'] ?? '{}') as { host?: string };
    return host;
  }

  /** Further Docker hosts that the working copy names: name → Docker host. */
  get furtherHosts(): Readonly<Record<string, string>> {
    const named = JSON.parse(this.readConfig()['telegram:dockerHosts'] ?? '{}') as Record<
      string,
      { host?: unknown } | null
    >;
    // What is not as it should be, the program refuses by name.
    return Object.fromEntries(
      Object.entries(named).flatMap(([name, entry]) =>
        typeof entry?.host === 'string' && entry.host.includes('://') ? [[name, entry.host]] : [],
      ),
    );
  }

  /** Every Docker host that the working copy names, the home host first. */
  get dockers(): readonly DockerHost[] {
    return [this.dockerHost, ...Object.values(this.furtherHosts)].map((host) => new DockerHost(host));
  }

  set dockerHost(host: string) {
    const document = parseDocument(readFileSync(this.configFile, 'utf8'));
    document.setIn(['config', 'telegram:docker', 'host'], host);
    writeFileSync(this.configFile, document.toString(), { mode: 0o600 });
  }

  /** Value of the label that tells the stack's containers from all others. */
  get instance(): string {
    return this.readConfig()['telegram:instanceId'] ?? `organization-${PROJECT}-${this.stack}`;
  }

  /** Values of the working copy as a Pulumi program reads them: text, structured ones as JSON. */
  readConfig(): Record<string, string> {
    const document = parseDocument(readFileSync(this.configFile, 'utf8')).toJS() as {
      config?: Record<string, unknown>;
    };
    return Object.fromEntries(
      Object.entries(document.config ?? {}).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    );
  }
}
