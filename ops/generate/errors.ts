import { RUNTIME_ERRORS } from '../../runtime/errors.js';
import { STACK_ERRORS, UserError, type StackErrorCode } from '../../stack/errors.js';
import { ENGINE_ERRORS } from '../engine/errors.js';
import { ENGINE_TEXTS } from './error-texts/engine.js';
import type { ErrorText } from './error-texts/error-text.js';
import { RUNTIME_TEXTS } from './error-texts/runtime.js';
import { STACK_TEXTS } from './error-texts/stack.js';

interface Entry extends ErrorText {
  readonly code: string;
  readonly exit: number;
  readonly fix: string;
}

/** `docs/errors.md`: one section a code, so that an error's `docs:` line leads somewhere. */
export function errorsPage(): string {
  const stack = (Object.keys(STACK_ERRORS) as StackErrorCode[]).map((code) => {
    const { exitCode: exit, fix } = new UserError(code, '');
    return { code, exit, fix, ...STACK_TEXTS[code] };
  });
  return [
    '<!-- Generated from the error tables and ops/generate/error-texts by `npm run generate`. -->',
    '',
    '# Errors',
    '',
    'An error says what happened, why, and the command that mends it. After that the same command goes on where it stopped. Whatever',
    'has no code here is a defect: please report it.',
    '',
    '## Commands and infrastructure',
    '',
    ...stack.flatMap(section),
    '## Embedded engine',
    '',
    ...entries(ENGINE_ERRORS, ENGINE_TEXTS).flatMap(section),
    '## Runtime',
    '',
    ...entries(RUNTIME_ERRORS, RUNTIME_TEXTS).flatMap(section),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function entries<C extends string>(
  table: Readonly<Record<C, { readonly fix: string; readonly exit: number }>>,
  texts: Readonly<Record<C, ErrorText>>,
): Entry[] {
  return (Object.keys(table) as C[]).map((code) => ({ code, ...table[code], ...texts[code] }));
}

function section({ code, exit, fix, what, why, todo, example }: Entry): string[] {
  return [
    `### ${code}`,
    '',
    `**What happened.** ${what}`,
    '',
    `**Why.** ${why}`,
    '',
    `**What to do.** ${fix} ${todo}`,
    '',
    ...(example ? ['```', ...example.split('\n'), '```', ''] : []),
    `Exit code ${String(exit)}.`,
    '',
  ];
}
