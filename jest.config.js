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
/** Tests that talk to something: real services, or a simulator over a socket. */
const live = (name) => ({
  ...project(name, name),
  setupFilesAfterEnv: ['<rootDir>/tests/support/second-chance.ts'],
});

/** `unit` needs nothing; from `services` on, the tests need the stack that `stack-up` leaves (see tests/run.ts). */
module.exports = {
  testTimeout: 60_000,
  projects: [
    live('unit'),
    project('stack-up', 'stack-up'),
    live('services'),
    live('stack'),
    project('stack-down', 'stack-down'),
    live('cli'),
  ],
};
