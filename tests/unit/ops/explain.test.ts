import { describe, expect, it } from '@jest/globals';
import { explainPulumi, saysDiskFull, toolError } from '../../../ops/engines/explain.js';
import { RuntimeError } from '../../../runtime/errors.js';
import { UserError } from '../../../stack/errors.js';

/** What the CLI 3.260.0 printed at the end of a failed run, as it was recorded. */
const ended = (diagnostics: string) =>
  `Updating (test):\n +  docker:index:Container telegram-redis-master creating (0s)\nDiagnostics:\n${diagnostics}\n\nResources:\n    131 unchanged\n    2 errored\n\nDuration: 1m41s\n`;

const explained = (output: string): UserError => {
  const error = explainPulumi('up', 255, output);
  if (error instanceof UserError) return error;
  throw error;
};

describe('what the Pulumi CLI said, as an error', () => {
  it('O1 a container that did not become healthy is named, without the noise of the provider', () => {
    const error = explained(
      ended(`  pulumi:pulumi:Stack (telegram-test):
    error: update failed

  docker:index:Container (telegram-redis-master):
    error:   sdk-v2/provider2.go:571: sdk.helper_schema: container failed to be in healthy state: provider=docker@5.2.0
    error: 1 error occurred:
    \t* creating urn:pulumi:test::telegram::docker:index/container:Container::telegram-redis-master: 1 error occurred:
    \t* container failed to be in healthy state`),
    );
    expect(error).toMatchObject({
      code: 'RESOURCE_FAILED',
      message: 'telegram-redis-master (docker:index:Container) failed',
      details: ['error: container failed to be in healthy state'],
    });
  });

  it('O1 a build that failed comes with the command that shows all of it', () => {
    const { details } = explained(
      ended(`  docker:index:RemoteImage (image-redis):
    error:   sdk-v2/provider2.go:571: sdk.helper_schema: Error running legacy build: executor failed running [/bin/sh -c exit 100]: exit code: 100

    : provider=docker@5.2.0`),
    );
    expect(details).toEqual([
      'error: Error running legacy build: executor failed running [/bin/sh -c exit 100]: exit code: 100',
      'the whole build: docker build --build-arg BASE="$(sh images/base/make.sh trixie)" images/redis',
    ]);
  });

  it("Q8 a migration that was edited is the tool's own error, with its own exit code", () => {
    const error = explainPulumi(
      'up',
      255,
      ended(`  command:local:Command (telegram-migrations-schema):
    error: exit status 1: running "docker run --rm -i --network \\"$NETWORK\\"  \\"$IMAGE\\" admin migrate":
    {"code":"MIGRATION_EDITED","message":"01_messages.sql was changed after it was applied","fix":"Restore the file."}`),
    );
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({
      code: 'MIGRATION_EDITED',
      message: '01_messages.sql was changed after it was applied',
    });
  });

  it("O11 the program's own refusal keeps its code, its lines and its fix", () => {
    const error = explained(
      ended(`  pulumi:pulumi:Stack (telegram-test):
    error: ✖ PREFLIGHT 1 thing(s) stand in the way
      - telegram:api.port: port 42779 is in use by node (process 27778); stop it with \`kill 27778\` or choose another port
      fix:  Mend what the lines above name, then run the same command again: nothing was created.
      docs: docs/errors.md#preflight`),
    );
    expect(error.code).toBe('PREFLIGHT');
    expect(error.message).toBe(
      '1 thing(s) stand in the way\n  - telegram:api.port: port 42779 is in use by node (process 27778); stop it with `kill 27778` or choose another port',
    );
    expect(error.fix).toBe('Mend what the lines above name, then run the same command again: nothing was created.');
  });

  it.each([
    ['error: getting stack configuration: get stack secrets manager: incorrect passphrase', 'PASSPHRASE_WRONG'],
    [
      'error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.',
      'LOCKED',
    ],
    ['error: write /var/lib/docker/tmp/x: no space left on device', 'DISK_FULL'],
  ])('O1 %s', (line, code) => {
    expect(explained(`${line}\n`)).toMatchObject({ code, why: line });
  });

  it('O1 colours do not hide what was said', () => {
    expect(
      explained('\x1b[31merror: \x1b[0mget stack secrets manager: \x1b[1mincorrect passphrase\x1b[0m\n').code,
    ).toBe('PASSPHRASE_WRONG');
  });

  it('O1 what is not recognised stays what it is', () => {
    expect(explained('error: something new\n')).toMatchObject({
      code: 'RESOURCE_FAILED',
      message: '`pulumi up` ended with code 255',
    });
  });
});

describe('signs in a text', () => {
  it('Q8 the last line of a failed tool, and nothing else that looks like JSON', () => {
    expect(toolError(['{"level":"info","message":"migration applied"}', 'x'])).toBeUndefined();
    expect(toolError(['{"code":"INTERNAL","message":"x","fix":"y"}'])).toBeUndefined();
    expect(toolError(['log: {"code":"MIGRATION_FAILED","message":"03_x.sql: syntax","fix":"y"}'])).toMatchObject({
      code: 'MIGRATION_FAILED',
    });
  });

  it.each(['ENOSPC: no space left on device, write', 'write x: no space left on device', 'Disk quota exceeded'])(
    'O1 %s is a full disk',
    (text) => {
      expect(saysDiskFull(text)).toBe(true);
    },
  );
});
