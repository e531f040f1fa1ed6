import type { StackErrorCode } from '../../../stack/errors.js';
import type { ErrorText } from './error-text.js';
import { MIGRATION_TEXTS } from './migration.js';

/** One text a code of the commands and of the infrastructure program. */
export const STACK_TEXTS: Readonly<Record<StackErrorCode, ErrorText>> = {
  ...MIGRATION_TEXTS,
  CONFIG: {
    what: 'The stack file has mistakes. All of them are listed at once, each as `path: expectation`. Nothing was created.',
    why: 'An unknown key, a value of the wrong kind, or values that do not fit each other (ports, pools, quorum, memory).',
    todo: 'Correct the keys in the file that the error names (the working copy in `.stack/`, or your own stack file), then run the same command.',
    example: `✖ CONFIG the stack's configuration has 1 mistake(s)
  - telegram:redis.sentinels: expected an odd number, got 2: an even one cannot form a majority
  fix:  Correct the named keys in .stack/dev/Pulumi.dev.yaml; docs/configuration.md lists them all.`,
  },
  PREFLIGHT: {
    what: 'Something on the Docker host stands in the way. Everything that does is listed at once, with who holds it and the command that frees it. Nothing was created.',
    why: 'A port in use, a name or a subnet of another stack, too little memory or disk, a Docker engine that is too old, or a volume that holds the data of another stack.',
    todo: 'Work through the lines, then run the same command. A second stack on one host needs a `telegram:namePrefix`, a subnet and ports of its own.',
    example: `✖ PREFLIGHT 1 thing(s) stand in the way
  - telegram:api.port: port 4010 is in use by node (process 4711); stop it with \`kill 4711\` or choose another port`,
  },
  ENGINE_MISMATCH: {
    what: 'The stack was made by one engine and the command wants the other. Nothing was touched.',
    why: 'The Pulumi CLI and the embedded engine keep their state apart; two of them on one stack would each undo the other.',
    todo: 'Leave out `--engine`, or move the stack: `npm run destroy`, then `npm run up -- --engine <name>`.',
  },
  RESOURCE_FAILED: {
    what: 'A step of a run failed. What was finished stays and is recorded; what depends on the failed step was not begun.',
    why: 'It stands in the lines of the error: an image that could not be built or pulled, a container that did not become healthy (with the end of its log and what its health check said), a command that ended with an error.',
    todo: 'Mend the cause and run `npm run up` again. For an image the error shows the command that builds it alone; for a container, `npm run logs -- <part>` shows more of its log.',
    example: `✖ RESOURCE_FAILED telegram-redis-master (docker:index:Container) failed
    error: container failed to be in healthy state
    telegram-redis-master is restarting (exit code 1)
      log: # Invalid AOF manifest file format`,
  },
  PORT_TAKEN: {
    what: 'A container could not have its port on the Docker host. What was finished stays and is recorded.',
    why: 'Somebody took the port after the preflight had looked. On a Docker host behind SSH the preflight sees the ports of containers alone: there it may be any process that listens.',
    todo: 'Run the command that the error names, or choose another port, and run the same command again. On a host behind SSH, `sudo ss -ltnp` there tells who listens.',
    example: `✖ PORT_TAKEN port 4010 is in use by node (process 4711)
  why:  telegram-gateway-api (docker:index/container:Container): Bind for 127.0.0.1:4010 failed: port is already allocated
  fix:  Free it with \`kill 4711\`, or choose another port in the stack file; then run the same command again.`,
  },
  DOCKER_MISSING: {
    what: 'The `docker` command is not on this machine.',
    why: 'The Pulumi program was started by itself; `npm run up` would have installed it where it may.',
    todo: "Install it (Debian, Ubuntu: docker.io; or Docker's own package) and run the same command.",
  },
  DOCKER_DOWN: {
    what: 'No Docker engine answers, here or at the address that is named.',
    why: 'The daemon does not run, this user may not talk to it, or `telegram:docker.host`, `telegram:dockerHosts` or DOCKER_HOST names a place where there is none. The last word of the command line stands under `why`.',
    todo: 'Start it, or add yourself to the group `docker`. An engine is never started in place of one that was named.',
    example: `✖ DOCKER_DOWN no Docker engine answers at ssh://deploy@data.example.org (telegram:docker.host)
  why:  ssh: connect to host data.example.org port 22: Connection refused`,
  },
  DOCKER_HOST: {
    what: "This shell's `docker` talks to another engine than the stack is on. Nothing was touched.",
    why: 'DOCKER_HOST or a Docker context is set. The containers would be made on one engine and looked for on the other.',
    todo: 'Before the first `npm run up` the engine of the shell is taken and written into the working config; after it, that config counts. A production stack names its engine in `telegram:docker.host`.',
    example: `✖ DOCKER_HOST stack "dev" is on this machine's Docker, this shell's is tcp://10.0.0.7:2375
  why:  DOCKER_HOST or a Docker context was set after the first \`up\`; a stack does not move by it
  fix:  \`unset DOCKER_HOST\` and \`docker context use default\`, or \`npm run destroy\` first.`,
  },
  NOT_UP: {
    what: 'The command needs a stack that is up, and this one never was, or was destroyed.',
    why: 'There is no engine and no outputs in its folder in `.stack/`.',
    todo: 'Run `npm run up`; another stack is chosen by `--stack <name>`.',
  },
  BUILD_MISSING: {
    what: 'The runtime could not be bundled, or the bundle is not there.',
    why: 'A source file does not compile, or `pulumi` was called without `npm run build` before it.',
    todo: 'The lines under `why` name the file.',
  },
  USAGE: {
    what: 'The command was called with something it does not take, or a question was answered with no.',
    why: 'It stands in the message.',
    todo: '`npm run <command> -- --help` lists the options.',
  },
  PULUMI_MISSING: {
    what: 'The command needs the Pulumi CLI, and none was found.',
    why: 'It is neither on PATH nor in the Pulumi home (`~/.pulumi`), or the stack was made with it and it has gone since.',
    todo: 'Install it from its own site. A stack that is yet to be made does not need it: the embedded engine takes its place.',
  },
  NO_RELEASE: {
    what: 'There is no such release on the gateway host, or none before the current one. Nothing was changed.',
    why: 'The last five releases stay on the host; older ones are removed.',
    todo: 'Choose one of the list, or check out the commit that you want and run `npm run up`.',
  },
  ROLLBACK_FAILED: {
    what: 'The older release was linked and did not become healthy; the one before was linked again.',
    why: 'It does not fit the database or the configuration of today. The lines above are from its journal.',
    todo: 'Choose another release, or `npm run up` for that of the checkout.',
  },
  INSTALL: {
    what: 'Programs that `npm run up` needs are missing and could not be installed.',
    why: 'This is not Debian or Ubuntu, there is neither root nor sudo without a password, or apt-get failed (its last words stand under `why`).',
    todo: 'Run the printed commands as root, or install the named packages in the way of your system; then run `npm run up` again.',
    example: `✖ INSTALL missing on this machine: docker.io, debootstrap
  fix:  sudo apt-get update && sudo apt-get install -y docker.io debootstrap`,
  },
  DISK_FULL: {
    what: 'A disk has no room left. The path stands under `why` where it is known.',
    why: "The disk of the state folder `.stack/`, or the one where Docker keeps images, volumes and logs (`docker info -f '{{.DockerRootDir}}'`). Preflight asks for 4 GiB there at a first `up` and for 1 GiB of a stack that stands, as the doctor does.",
    todo: 'Make room. The state is written whole or not at all, so nothing of it is lost; a build or a pull that was cut off begins anew. With the Docker disk full, the database refuses writes and the gateway holds back until there is room.',
    example: `✖ DISK_FULL a disk has no room left
  why:  ENOSPC: no space left on device, write (.stack/dev/engine-state.json.new)`,
  },
  PASSPHRASE_MISSING: {
    what: 'The state of the Pulumi CLI is there, and the file with its passphrase is not. Nothing was asked, nothing was made in its place.',
    why: 'It was deleted, or the state was copied without it. A new passphrase would open nothing.',
    todo: 'Restore `.stack/<stack>/passphrase` (mode 0600), or set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE. Where it is lost for good: remove the containers, networks and volumes by hand, delete the folder and run `npm run up`; the data goes with the volumes.',
  },
  PASSPHRASE_WRONG: {
    what: 'The passphrase does not open the secrets of the state. Nothing was changed.',
    why: 'The passphrase file, PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE is that of another stack.',
    todo: 'Restore the one that the stack was made with. It is changed by `npm run pulumi -- stack change-secrets-provider passphrase`, never by editing the file.',
    example: `✖ PASSPHRASE_WRONG \`pulumi up\` ended with code 255
  why:  error: getting stack configuration: get stack secrets manager: incorrect passphrase`,
  },
  STATE_DAMAGED: {
    what: 'The state file of the Pulumi CLI cannot be read. Nothing was touched.',
    why: 'It was cut off or edited: a full disk, a copy that was interrupted.',
    todo: 'The command of the error takes back the state before the last step; the next `up` refreshes it from what really runs. A run before that is in the folder `history` beside it.',
  },
  STATE_FOREIGN: {
    what: 'The state file belongs to another stack. Nothing was touched.',
    why: "A folder or file of `.stack/` was copied from another stack. With it, the next run would change or remove that other stack's containers.",
    todo: 'Put the right file back; each stack has its own folder.',
  },
  LOCKED: {
    what: 'Another run holds the stack; who, where and since when stands in the message.',
    why: 'Two runs at once would undo each other. The lock of a run that was killed on this machine is removed by itself.',
    todo: 'Wait for it. If it was killed on another machine: `npm run pulumi -- cancel --yes`.',
    example: `✖ LOCKED another run holds stack "dev": root on build-7, process 4711, since 2026-11-21T10:10:09Z`,
  },
  INTERRUPTED: {
    what: 'The run was ended by Ctrl-C or by a supervisor. It stopped at the next safe point and wrote its state. Exit code 130.',
    why: 'Somebody asked for it. A second Ctrl-C ends the CLI at once; then the next run clears what was made and not recorded.',
    todo: 'Run the command again.',
  },
  BACKUP_OFF: {
    what: 'The command needs backups, and the stack makes none. Nothing was done.',
    why: '`telegram:backup.enabled` is false: the default of a development stack.',
    todo: 'The container of the database is replaced once, its data stays; from then on every change is handed to the backup.',
  },
  BACKUP_BUSY: {
    what: 'A backup is being made: one at a time.',
    why: 'The daily one, or one that somebody else began by hand.',
    todo: 'Then run the command again. A backup that was cut off holds nothing up: its lock went with it.',
  },
  BACKUP_TARGET: {
    what: 'The folder or the store of the backups cannot be reached or written. The stack goes on; WAL waits on the disk of the database, up to `telegram:backup.waitingMb`.',
    why: 'Address, certificate, access key, bucket, a network share that is not mounted, or a folder that uid 70 may not write.',
    todo: 'Nothing else is to be done: what waits is handed on as soon as the target is there, and the backup is tried again every 15 minutes.',
    example: `✖ BACKUP_TARGET the target of the backup cannot be used
    ERROR: [049]: unable to connect to 's3.example.org:443': Connection refused`,
  },
  BACKUP_FULL: {
    what: 'There is no room in the target. Older backups are untouched.',
    why: 'The disk, the quota or the bucket is full; the lines of the error say at which file.',
    todo: 'A backup that was cut off is no backup and is cleaned up by the next one.',
  },
  BACKUP_KEY: {
    what: 'What is in the target cannot be opened with the key of this stack. Nothing there was changed.',
    why: 'The stack was made anew and made itself another key, or `telegram:backup.key` was changed. Each target belongs to one key.',
    todo: '`pulumi config set --path --secret telegram:backup.key <key>`. Where the key is lost, so are the backups: name an empty target in `telegram:backupTarget`.',
  },
  BACKUP_FOREIGN: {
    what: 'The target holds the backups of another database than the one that runs. Nothing there was changed, and nothing was added.',
    why: 'The stack was made anew, with an empty database, on the target of the former one; or two stacks share a target.',
    todo: 'After the restore the stack goes on in that target. Two stacks need a target, or a prefix, each.',
  },
  BACKUP_DAMAGED: {
    what: 'A file in the target is not what was written there: its checksum or its seal is wrong, or it is missing. It was not restored.',
    why: 'A failing disk, an interrupted copy of the target, or somebody changed it.',
    todo: 'Then find out why the target changes what is written to it.',
  },
  BACKUP_FAILED: {
    what: 'A step of the backup failed, or a part of it. What else could be backed up was.',
    why: 'It stands in the lines of the error.',
    todo: 'It is tried again every 15 minutes by itself; `BackupTooOld` fires after 26 hours.',
  },
  RESTORE_REFUSED: {
    what: 'Nobody said yes, so nothing was stopped and nothing was restored.',
    why: 'A restore stops the stack and puts other data in the place of what is there.',
    todo: 'Without a terminal there is nobody to ask: `--yes` it is.',
  },
  RESTORE_POINT: {
    what: 'The database cannot go to that moment. The stack was not changed.',
    why: 'It lies before the oldest backup, in the future, or behind the last change that reached the target.',
    todo: '`--latest` goes as far as the target reaches.',
  },
  RESTORE_BUSY: {
    what: 'A restore or a drill is under way: one at a time.',
    why: 'Its containers are there. Where it was cut off, they are still there.',
    todo: 'The error names the containers that a cut-off restore left. Run `npm run start` after removing them.',
  },
  RESTORE_FAILED: {
    what: 'The restored database did not come up, or a part of the stack did not stop or start.',
    why: 'It stands in the lines of the error: the end of the log of the server that recovered, or the container that is meant.',
    todo: 'Where the lines name a container that does not start again: `npm run start`, then `npm run doctor`.',
  },
  DRILL_FAILED: {
    what: 'The newest backup was restored into a throw-away server, and what came back differs from what was written down when it was made. The stack was not touched.',
    why: 'The lines name each channel and row. A backup that does not hold what it should is no backup.',
    todo: 'Report it with the lines above where a new full backup differs as well.',
    example: `✖ DRILL_FAILED what came back is not what was backed up
    messages of channel 1001: 5000 backed up, 4999 restored`,
  },
  REGISTRY_UNREACHABLE: {
    what: '`npm run images:pin` could not ask a registry for one of the official images. The file with the digests is as it was.',
    why: 'No network, a proxy that the Docker engine does not know, a limit on pulls, or a tag that is no longer there.',
    todo: 'Run it where `docker pull <image>` works. Stacks do not need it: an image without a digest is pulled by its tag.',
  },
};
