import { RUNTIME_ERRORS } from '../../runtime/errors.js';
import { STACK_ERRORS } from '../../stack/errors.js';
import { ENGINE_ERRORS } from '../engine/errors.js';

/** `docs/errors.md`: one section a code, so that an error's `docs:` line leads somewhere. */
export function errorsPage(): string {
  const stack = Object.entries(STACK_ERRORS).map(([code, fix]) => ({ code, fix, exit: 1 }));
  const listed = (table: Readonly<Record<string, { fix: string; exit: number }>>) =>
    Object.entries(table).map(([code, { fix, exit }]) => ({ code, fix, exit }));
  const sections = (entries: readonly { code: string; fix: string; exit: number }[]) =>
    entries.flatMap(({ code, fix, exit }) => [`### ${code}`, '', `Exit code ${String(exit)}. ${fix}`, '']);
  return [
    '<!-- Generated from stack/errors.ts and runtime/errors.ts by `npm run generate`. -->',
    '',
    '# Errors',
    '',
    'An error says what happened, why, and the command that mends it. Whatever has no code here is a defect: please report it.',
    '',
    '## Commands and infrastructure',
    '',
    ...sections(stack),
    '## Embedded engine',
    '',
    ...sections(listed(ENGINE_ERRORS)),
    '## Runtime',
    '',
    ...sections(listed(RUNTIME_ERRORS)),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
