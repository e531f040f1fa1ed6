import { Command } from 'commander';
import type { BenchOptions } from './bench/index.js';
import type { BackupOptions } from './backup/backup.js';
import type { RestoreOptions } from './backup/restore.js';
import type { BenchPeersOptions } from './bench-peers.js';
import type { CampaignOptions } from './campaign.js';
import type { LoadOptions } from './load.js';
import type { ChaosOptions } from './chaos.js';
import type { DoctorOptions } from './doctor/index.js';
import type { DlqOptions } from './dlq/index.js';
import type { DestroyOptions } from './down.js';
import type { LoginOptions } from './login.js';
import { answerInterrupts } from './interrupt.js';
import { report } from './output.js';
import type { LogsOptions } from './logs.js';
import type { MigrateOptions } from './migrate/index.js';
import type { ProveOptions } from './prove/index.js';
import type { RollbackOptions } from './rollback.js';
import type { StackOptions } from './context.js';

// Each command loads what it needs when it is called: all of them together cost a second or two of every start.
const program = new Command('npm run').description('Commands of the Telegram Hybrid Stack').exitOverride();

const FORGET = 'the machine on which the gateway was installed is gone for good';

/** A command with the options that choose the stack. */
function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--stack <name>', 'stack to work on', process.env['TELEGRAM_STACK'] ?? 'dev')
    .option('--config <file>', 'stack file that the first `up` starts from')
    .option('--engine <name>', 'pulumi or embedded; decides before the first `up` only');
}

/** One that measures a stack at a steady rate. */
function measuring(name: string, description: string): Command {
  return command(name, description)
    .option('--rate <n>', 'messages per second', '50')
    .option('--no-report', 'leave nothing in bench/results')
    .option('--json', 'machine-readable');
}

command('up', 'bring the stack up')
  .option('--forget-gateway', FORGET)
  .action(async (options: StackOptions & { forgetGateway?: boolean }) => (await import('./up.js')).up(options));
command('preview', 'show what `up` would change (Pulumi CLI)')
  .allowUnknownOption()
  .argument('[args...]', 'further arguments for `pulumi preview`')
  .action(async (args: string[], options: StackOptions) =>
    (await import('./pulumi-commands.js')).preview(args, options),
  );
command('stop', 'stop every container').action(async (options: StackOptions) =>
  (await import('./down.js')).setRunning(options, false),
);
command('start', 'start what `stop` stopped').action(async (options: StackOptions) =>
  (await import('./down.js')).setRunning(options, true),
);
command('destroy', 'remove the stack')
  .option('--yes', 'do not ask')
  .option('--forget-gateway', FORGET)
  .action(async (options: DestroyOptions) => (await import('./down.js')).destroy(options));
command('rotate', 'give every machine credential a new password, without a restart')
  .option('--both', 'two steps, after which no password from before is accepted')
  .action(async (options: StackOptions & { both?: boolean }) => (await import('./rotate.js')).rotate(options));
command('migrate', 'move the old layout (telegram:source) into this stack')
  .option('--plan', 'only say what would happen')
  .option('--set-aside', 'keep rows that are refused in telegram_migration.refused, and migrate all others')
  .option('--json', 'machine-readable')
  .action(async (options: MigrateOptions) => (await import('./migrate/index.js')).migrate(options));
command(
  'rollback',
  'back to an earlier release, or to the gateway from before the migration; alone, lists the releases',
)
  .option('--release [hash]', 'link this one, or the one installed before, and restart')
  .option('--migration <kind>', 'quick: the old gateway as it was; full: with all that came since')
  .option('--json', 'machine-readable list')
  .action(async (options: RollbackOptions) => (await import('./rollback.js')).rollback(options));
command('backup', 'back the stack up now, or tell of its backups')
  .argument('[action]', 'list, check (reads every byte) or key')
  .option('--full', 'a full one, whatever is due')
  .option('--json', 'machine-readable')
  .action(async (action: string | undefined, options: BackupOptions) =>
    (await import('./backup/backup.js')).backup(action, options),
  );
command('restore', 'bring the database back from a backup, or prove that it could be')
  .option('--at <time>', 'to this moment, with its zone: 2026-11-21T03:00:00Z')
  .option('--latest', 'to the last change that reached the target')
  .option('--drill', 'into a throw-away server, which is compared with the backup')
  .option('--part <name>', 'sessions onto the gateway host; redis, rabbitmq or dump into a file')
  .option('--to <path>', 'file of the part, or folder for the report of a drill')
  .option('--yes', 'do not ask')
  .option('--json', 'machine-readable')
  .action(async (options: RestoreOptions) => (await import('./backup/restore.js')).restore(options));
command('doctor', 'check every part')
  .option('--json', 'machine-readable')
  .option('--disk-floor <MiB>', 'least free disk on the Docker host', '1024')
  .action(async (options: DoctorOptions) => (await import('./doctor/index.js')).doctor(options));
command('smoke', 'post messages and follow them to the consumer')
  .option('--json', 'machine-readable')
  .option('--count <n>', 'distinct messages', '200')
  .option('--rate <n>', 'messages per second', '50')
  .action(async (options: StackOptions & { json?: boolean; count: string; rate: string }) =>
    (await import('./smoke.js')).smoke(options),
  );
command('chaos', 'trouble the stack by a seeded schedule and prove that nothing is lost or doubled')
  .option('--minutes <n>', 'length of the schedule', '5')
  .option('--seed <n>', 'the same seed is the same schedule; without it, a random one')
  .option('--rate <n>', 'posts per second', '20')
  .option('--every <seconds>', 'mean time from one trouble to the next', '4')
  .option('--telegram-only', 'only what a client of Telegram meets: its faults, and SIGKILL')
  .option('--settle <seconds>', 'longest wait for everything to arrive', '180')
  .option('--json', 'machine-readable')
  .action(async (options: ChaosOptions) => (await import('./chaos.js')).chaos(options));
measuring('campaign', 'one outage after the other under constant traffic, and what a consumer saw of each')
  .argument('[names...]', 'which; without any, all of them')
  .option('--calm <seconds>', 'before each outage and after the last', '20')
  .action(async (names: string[], options: CampaignOptions) =>
    (await import('./campaign.js')).campaign(names, options),
  );
command('bench', 'rates and latencies of each part and of the whole, on the engines of a running stack')
  .option('--quick', 'a tenth of it, and polling at 100 thousand rows at most')
  .option('--json', 'machine-readable')
  .action(async (options: BenchOptions) => (await import('./bench/index.js')).bench(options));
measuring('load', 'a steady rate for a long time: is anything lost, slower or larger at the end?')
  .option('--minutes <n>', 'how long', '60')
  .action(async (options: LoadOptions) => (await import('./load.js')).load(options));
program
  .command('bench-peers')
  .description('messages that other clients lose under the schedule of `chaos --telegram-only`; needs no stack')
  .option('--minutes <n>', 'length of the schedule', '3')
  .option('--seed <n>', 'the same seed is the same schedule', '1')
  .option('--rate <n>', 'posts per second', '20')
  .option('--every <seconds>', 'mean time from one trouble to the next', '4')
  .option('--gateway <file>', 'what `chaos --telegram-only --json` printed, for a row of its own')
  .action(async (options: BenchPeersOptions) => (await import('./bench-peers.js')).benchPeers(options));
command('login', 'log the gateway in to Telegram, on its host')
  .option('--account <name>', 'a further one: its unit is made and started', 'default')
  .option('--phone <number>', 'with country code; without it, it is asked for')
  .option('--qr', 'by QR code, without asking for a number')
  .option('--replace', 'also where a session is there already')
  .option('--timeout <seconds>', 'longest that all may take', '600')
  .action(async (options: LoginOptions) => (await import('./login.js')).login(options));
command('session', 'tell of the session of the gateway, or end it')
  .argument('<action>', 'status or logout')
  .option('--account <name>', 'a further one', 'default')
  .option('--json', 'machine-readable')
  .option('--yes', 'do not ask')
  .action(async (action: string, options: StackOptions & { account?: string; json?: boolean; yes?: boolean }) =>
    (await import('./login.js')).session(action, options),
  );
command('logs', 'show the log of a part')
  .argument('[part]', 'name of the part; none lists them')
  .option('-f, --follow', 'go on')
  .option('-n, --lines <n>', 'last lines', '100')
  .option('--account <name>', 'of the gateway of a further account')
  .action(async (part: string | undefined, options: LogsOptions) => (await import('./logs.js')).logs(part, options));
command('prove', 'lead a stack through its whole life on this machine, and destroy it')
  .option('--steps <names>', 'these alone, by commas, on a stack that is up')
  .option('--expect <names>', 'what the machine has to be like: upstream-images, cgroup2, apparmor')
  .option('--keep', 'leave a stack that failed as it is')
  .option('--list', 'only say which steps there are')
  .option('--summary <file>', 'write the result to this file too')
  .action(async (options: ProveOptions) => (await import('./prove/index.js')).prove(options));
command('connections', 'addresses and logins of every service')
  .option('--json', 'machine-readable')
  .option('--show-secrets', 'with users, passwords and keys')
  .action(async (options: StackOptions & { json?: boolean; showSecrets?: boolean }) =>
    (await import('./connections.js')).connections(options),
  );
command('api-keys', 'keys of the REST API')
  .argument('<action>', 'create, list or revoke')
  .argument('[name]', 'of the key that is made or revoked')
  .option('--json', 'machine-readable')
  .action(async (action: string, name: string | undefined, options: StackOptions & { json?: boolean }) =>
    (await import('./api-keys.js')).apiKeys(action, name, options),
  );
command('dlq', 'events that a consumer group has given up')
  .argument('<action>', 'list, replay or drop')
  .option('--group <name>', 'of this consumer group alone')
  .option('--limit <n>', 'dead letters, and failed events, at most', '1000')
  .option('--json', 'machine-readable')
  .option('--yes', 'do not ask before a drop')
  .action(async (action: string, options: DlqOptions) => (await import('./dlq/index.js')).dlq(action, options));
command('pulumi-env', 'surroundings of the CLI as exports').action(async (options: StackOptions) => {
  (await import('./pulumi-commands.js')).pulumiEnv(options);
});
program
  .command('images-pin')
  .description('write the digests of the official images')
  .action(async () => (await import('./images-pin.js')).pinImages());
program
  .command('generate')
  .description('write the generated files')
  .option('--check', 'only say which are out of date')
  .action(async (options: { check?: boolean }) => {
    await (await import('./generate/index.js')).generate(options);
  });
program
  .command('pulumi')
  .description('the plain Pulumi CLI in the surroundings of the stack')
  .helpOption(false)
  .allowUnknownOption()
  .argument('[args...]')
  .action(async (args: string[]) => (await import('./pulumi-commands.js')).pulumi(args));

answerInterrupts();
void program.parseAsync().catch((error: unknown) => {
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')) {
    process.exitCode = 'exitCode' in error ? Number(error.exitCode) : 1;
    return;
  }
  process.exitCode = report(error);
});
