const shared = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};
const project = (name, folder) => ({
  ...shared,
  displayName: name,
  testMatch: [`<rootDir>/tests/${folder}/**/*.test.ts`],
});

/** `unit` needs nothing; from `services` on, the tests need the stack that `stack-up` leaves (see tests/run.ts). */
module.exports = {
  testTimeout: 60_000,
  projects: [
    project('unit', 'unit'),
    project('stack-up', 'stack-up'),
    project('services', 'services'),
    project('stack', 'stack'),
    project('stack-down', 'stack-down'),
    project('cli', 'cli'),
  ],
};
