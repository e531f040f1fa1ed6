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
/** Tests against real services. */
const live = (name) => ({
  ...project(name, name),
  setupFilesAfterEnv: ['<rootDir>/tests/support/second-chance.ts'],
});

/** `unit` needs nothing; from `services` on, the tests need the stack that `stack-up` leaves (see tests/run.ts). */
module.exports = {
  testTimeout: 60_000,
  projects: [
    project('unit', 'unit'),
    project('stack-up', 'stack-up'),
    live('services'),
    live('stack'),
    project('stack-down', 'stack-down'),
    live('cli'),
  ],
};
