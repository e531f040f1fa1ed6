import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../stack/errors.js';
import { say } from '../output.js';
import { ROOT } from '../stack-folder.js';
import { configurationPage, environmentExample } from './configuration.js';
import { errorsPage } from './errors.js';
import { monitoringFiles } from './monitoring.js';
import { simulatorPage } from './simulator.js';

/** Every file that is made from a table or a schema in the code. */
const GENERATED: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationPage,
  'docs/errors.md': errorsPage,
  'docs/simulator.md': simulatorPage,
  '.env.example': environmentExample,
  ...monitoringFiles,
};

/** Writes the generated files; with `check`, only says which are out of date and fails. */
export function generate(options: { readonly check?: boolean }): void {
  const stale = Object.entries(GENERATED).filter(([file, make]) => {
    const path = join(ROOT, file);
    return !existsSync(path) || readFileSync(path, 'utf8') !== make();
  });
  if (options.check && stale.length > 0)
    throw new UserError('USAGE', `out of date: ${stale.map(([file]) => file).join(', ')}`, { fix: 'npm run generate' });
  for (const [file, make] of stale) {
    mkdirSync(dirname(join(ROOT, file)), { recursive: true });
    writeFileSync(join(ROOT, file), make());
    say(`• wrote ${file}`);
  }
}
