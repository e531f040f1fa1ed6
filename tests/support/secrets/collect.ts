/** Every secret that a stack made, from its own state: what the searches look for. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { passwordHash } from '../../../components/rabbitmq/users.js';
import { EngineState } from '../../../ops/engine/state.js';
import { secretBytes } from '../../../stack/secret-bytes.js';
import { simulatorSession } from '../../../stack/simulator-session.js';
import { ed25519KeyPair } from '../../../stack/ssh-keys.js';
import { container, docker, must, TEST_CONFIG, TEST_STACK, TEST_STATE } from '../test-stack.js';

export interface Secret {
  readonly name: string;
  /** As it may be written: itself, its lines, in JSON, in base64. */
  readonly texts: readonly string[];
}

/** A resource with its secrets in plain. */
interface Plain {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** What is derived from a generated password, by the end of its name. The broker's salts are shorter than what is looked for. */
const BYTES: Readonly<Record<string, number>> = { seed: 32, salt: 16, 'auth-key': 256 };
/** Shorter ones are the salts of password hashes, four bytes each: found by chance everywhere, and worth nothing alone. */
const LEAST_LENGTH = 16;
const LEAST_LINE = 40;

/** Of the stack that the embedded engine made. */
export function embeddedSecrets(): Secret[] {
  return secretsOf(embeddedResources());
}

/** Generated passwords by name, for example `database-monitor-a`. */
export type Passwords = Readonly<Record<string, string>>;

export function embeddedPasswords(): Passwords {
  return passwordsOf(embeddedResources());
}

export function pulumiPasswords(env: Record<string, string>): Passwords {
  return passwordsOf(pulumiResources(env));
}

function passwordsOf(resources: readonly Plain[]): Passwords {
  const made = resources.filter(({ type }) => type.endsWith(':RandomPassword'));
  return Object.fromEntries(
    made.map(({ name, outputs }) => [name.replace(/^secrets-/, ''), String(outputs['result'])]),
  );
}

function embeddedResources(): Plain[] {
  const state = EngineState.open({ stateDir: join(TEST_STATE, TEST_STACK), project: 'telegram', stack: TEST_STACK });
  return state.entries().map((entry) => ({ type: entry.type, name: entry.name, ...state.unseal(entry) }));
}

/** How an export marks what is no plain value, and that it is a secret. Source: Pulumi, sdk/go/common/resource/sig. */
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

/** Of the stack that the Pulumi CLI made: `env` names its state folder. */
export function pulumiSecrets(env: Record<string, string>): Secret[] {
  return secretsOf(pulumiResources(env));
}

function pulumiResources(env: Record<string, string>): Plain[] {
  const { stdout } = must('pulumi', ['stack', 'export', '--show-secrets'], env);
  const { deployment } = JSON.parse(stdout) as { deployment: { resources: readonly object[] } };
  const resources = reveal(deployment.resources) as (Partial<Plain> & { urn: string; type: string })[];
  return resources.map(({ urn, type, inputs, outputs }) => ({
    type,
    name: urn.split('::').at(-1) ?? urn,
    inputs: inputs ?? {},
    outputs: outputs ?? {},
  }));
}

/** The session that the gateway uses: a login may have taken the place of the one that the stack made. */
export async function sessionOnHost(): Promise<Secret> {
  const file = '/opt/telegram-gateway/.session/default.session';
  return known('session on the host', await docker('exec', container('gateway-host'), 'cat', file));
}

/** One that a test knows from elsewhere. */
export function known(name: string, text: string): Secret {
  return { name, texts: written(text.trim()) };
}

/** Files beside a stack's state that open it. */
export const STATE_KEYS: readonly string[] = ['passphrase', 'engine.key'];

/** What they hold, of those that there are. */
export function stateKeys(folder: string): Secret[] {
  return STATE_KEYS.map((name) => ({ name, file: join(folder, name) }))
    .filter(({ file }) => existsSync(file))
    .map(({ name, file }) => known(name, readFileSync(file, 'utf8')));
}

/** The address that alerts are posted to: a secret of its owner, who has it in the configuration too. */
export function alertWebhook(): Secret {
  const { config } = parse(readFileSync(TEST_CONFIG, 'utf8')) as {
    config: { 'telegram:monitoring': { alertWebhook: string } };
  };
  return { name: 'alert webhook', texts: [config['telegram:monitoring'].alertWebhook] };
}

function reveal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reveal);
  if (value === null || typeof value !== 'object') return value;
  const fields = value as Record<string, unknown>;
  if (fields[SIGNATURE] === SECRET) return JSON.parse(String(fields['plaintext'])) as unknown;
  return Object.fromEntries(Object.entries(fields).map(([key, inner]) => [key, reveal(inner)]));
}

function secretsOf(resources: readonly Plain[]): Secret[] {
  const found = new Map<string, string[]>();
  const add = (name: string, ...values: unknown[]) => {
    const texts = values.filter((value) => typeof value === 'string' && value.length >= LEAST_LENGTH) as string[];
    if (texts.length > 0) found.set(name, [...(found.get(name) ?? []), ...texts]);
  };
  for (const [name, hash] of brokerHashes(passwordsOf(resources))) add(name, hash);
  for (const { type, name, inputs, outputs } of resources) {
    const password = outputs['result'];
    if (type.startsWith('random:')) add(name, password, outputs['bcryptHash']);
    if (name.endsWith('-rsa')) add(name, outputs['stdout']);
    const [, purpose = '', use = ''] = /^secrets-(.+-(seed|salt|auth-key))$/.exec(name) ?? [];
    if (purpose !== '' && typeof password === 'string') {
      const bytes = secretBytes(password, purpose, BYTES[use] ?? 0);
      add(name, bytes.toString('base64'), bytes.toString('hex'));
      if (use === 'seed') add(name, ed25519KeyPair(bytes).privateKeyOpenSsh);
      if (use === 'auth-key') add('session', simulatorSession(bytes.toString('hex')));
    }
    const stdin = inputs['stdin'];
    if (typeof stdin === 'string')
      for (const [verifier] of stdin.matchAll(/SCRAM-SHA-256\$[A-Za-z0-9+/=:$]+/g))
        add(`verifier ${verifier.slice(-8)}`, verifier);
  }
  return [...found].map(([name, texts]) => ({ name, texts: [...new Set(texts.flatMap(written))] }));
}

/** What the broker is given in place of each password: as good as it, to whoever may try many passwords. */
function brokerHashes(passwords: Passwords): [string, string][] {
  return Object.keys(passwords)
    .filter((name) => /^rabbitmq-.*-salt$/.test(name))
    .map((name) => {
      const salt = secretBytes(passwords[name] ?? '', name, 4).toString('base64');
      const user = name.replace(/-salt$/, '');
      return [`hash of ${user}`, passwordHash(passwords[user] ?? '', salt)];
    });
}

function written(text: string): string[] {
  if (!text.includes('\n')) return [text, Buffer.from(text).toString('base64').replace(/.?=*$/, '')];
  // The first line of an OpenSSH key is the same for all.
  const lines = text
    .split('\n')
    .filter((line) => line.length >= LEAST_LINE && !line.startsWith('-----') && !line.startsWith('b3BlbnNzaC1rZXkt'));
  return [JSON.stringify(text.trim()).slice(1, -1), ...lines];
}

/** Names of the secrets that stand in a text. */
export function leaks(secrets: readonly Secret[], text: string): string[] {
  return secrets.filter(({ texts }) => texts.some((one) => text.includes(one))).map(({ name }) => name);
}
