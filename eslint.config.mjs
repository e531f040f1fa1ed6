// Rules of the house: strict types, Pulumi's two traps, and the boundaries between the halves of the project.
import pulumi from '@pulumi/eslint-plugin';
import tseslint from 'typescript-eslint';

/** `files` may not import what `patterns` name. */
function boundary(files, patterns, message, ignores = []) {
  return {
    files,
    ignores,
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{ regex: patterns, message }] }] },
  };
}

export default tseslint.config(
  { ignores: ['node_modules', '.stack', 'dist', 'jest.config.js', 'policy/index.js', '**/*.mjs', 'tests/golden'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    plugins: { '@pulumi': pulumi },
    rules: {
      '@pulumi/no-output-in-template-literal': 'error',
      '@pulumi/no-output-instance-in-template-literal': 'error',
      '@typescript-eslint/no-extraneous-class': 'off',
      'max-lines': ['error', { max: 400 }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  boundary(
    ['runtime/**/*.ts'],
    '@pulumi/|\\.\\./(stack|components|ops)/|^telegram(/|$)|/simulator/',
    'The runtime knows nothing of the infrastructure; TL classes and the simulator stay in their folders.',
    ['runtime/telegram/**', 'runtime/simulator/**', 'runtime/simulator-main.ts'],
  ),
  boundary(
    ['runtime/telegram/**/*.ts', 'runtime/simulator/**/*.ts'],
    '@pulumi/|\\.\\./(stack|components|ops)/',
    'The runtime knows nothing of the infrastructure.',
  ),
  boundary(
    ['stack/**/*.ts', 'components/**/*.ts'],
    '/ops/|/runtime/(?!contract\\.js$|simulator/keys\\.js$)',
    'Infrastructure takes from the runtime only runtime/contract.ts.',
  ),
  boundary(
    ['components/**/render.ts', 'ops/engine/plan.ts', 'stack/rotation.ts', 'stack/scram.ts'],
    '@pulumi/|^node:(?!crypto)',
    'Pure text and pure decisions: no Pulumi, no I/O.',
  ),
  boundary(
    ['ops/engine/**/*.ts'],
    '/(components|stack)/(?!errors\\.js)',
    'The engine knows resource types, never our components.',
  ),
);
