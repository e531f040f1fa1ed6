import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM texts of a certificate and its key. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** An authority that lives as long as a test, with the one certificate that it signs. */
export interface Authority {
  readonly certificate: string;
  readonly server: Issued;
}

/** Makes an authority, and a certificate of it for a server at an address; both for two days. */
export function authorityFor(address: string): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'telegram-authority-'));
  const request = (name: string, ...args: readonly string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
    const form = ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`, '-out', `${name}.pem`];
    execFileSync('openssl', [...form, ...key, ...args], { cwd: folder, stdio: 'pipe', timeout: 60_000 });
    const read = (suffix: string) => readFileSync(join(folder, `${name}.${suffix}`), 'utf8');
    return { certificate: read('pem'), key: read('key') };
  };
  try {
    const { certificate } = request('authority');
    const of = [`subjectAltName=IP:${address}`, 'basicConstraints=critical,CA:false'];
    const signed = ['-CA', 'authority.pem', '-CAkey', 'authority.key', ...of.flatMap((line) => ['-addext', line])];
    return { certificate, server: request('server', ...signed) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
