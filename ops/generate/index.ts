import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../stack/errors.js';
import { say } from '../output.js';
import { ROOT } from '../stack-folder.js';
import { configurationPage, environmentExample } from './configuration.js';
import { errorsPage } from './errors.js';
import { monitoringFiles } from './monitoring.js';
import { openApiDocument } from './openapi.js';
import { simulatorPage } from './simulator.js';

/** Every file that is made from a table or a schema in the code. */
const GENERATED: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/configuration.md': configurationPage,
  'docs/errors.md': errorsPage,
  'docs/openapi.json': openApiDocument,
  'docs/simulator.md': simulatorPage,
  '.env.example': environmentExample,
  ...monitoringFiles,
};

/** Writes the generated files; with `check`, only says which are out of date and fails. */
export async function generate(options: { readonly check?: boolean }): Promise<void> {
  const made = await Promise.all(Object.entries(GENERATED).map(async ([file, make]) => ({ file, text: await make() })));
  const stale = made.filter(({ file, text }) => {
    const path = join(ROOT, file);
    return !existsSync(path) || readFileSync(path, 'utf8') !== text;
  });
  if (options.check && stale.length > 0)
    throw new UserError('USAGE', `out of date: ${stale.map(({ file }) => file).join(', ')}`, {
      fix: 'npm run generate',
    });
  for (const { file, text } of stale) {
    mkdirSync(dirname(join(ROOT, file)), { recursive: true });
    writeFileSync(join(ROOT, file), text);
    say(`• wrote ${file}`);
  }
}
