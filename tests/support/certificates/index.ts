import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (name: string) => readFileSync(join(__dirname, name), 'utf8');

/** PEM certificate of an authority that signed nothing that is used anywhere; its key is gone. */
export const EXAMPLE_AUTHORITY = read('authority.pem');
/** PEM certificate of mq.example.org, signed by it. */
export const EXAMPLE_SERVER = read('server.pem');
