import type { EngineErrorCode } from '../../engine/errors.js';
import type { ErrorText } from './error-text.js';

/** One text a code of the embedded engine. */
export const ENGINE_TEXTS: Readonly<Record<EngineErrorCode, ErrorText>> = {
  ENGINE_STATE_DAMAGED: {
    what: "The engine's state file is not readable, or an entry of it does not open. Nothing was touched.",
    why: 'It was cut off, edited, or comes from another version or with another key. The engine itself writes it whole or not at all.',
    todo: 'Restore `engine-state.json` and `engine.key` together from a backup. Without one, the containers, networks and volumes have to be removed by hand; their names are in the file.',
    example: '✖ ENGINE_STATE_DAMAGED .stack/dev/engine-state.json is not readable as a state file',
  },
  ENGINE_STATE_FOREIGN: {
    what: 'The state file belongs to another stack. Nothing was touched.',
    why: 'A folder was copied from another stack, or TELEGRAM_STATE_DIR points to it.',
    todo: 'Use the folder of this stack; each has its own.',
    example: '✖ ENGINE_STATE_FOREIGN .stack/second/engine-state.json belongs to telegram/dev, not to telegram/second',
  },
  ENGINE_KEY_MISSING: {
    what: 'The key that sealed the state is missing, or is none. No new one was made: it would open nothing.',
    why: '`engine.key` was deleted, or the state was copied without it.',
    todo: 'Restore `engine.key` (mode 0600) from a backup.',
  },
  ENGINE_LOCKED: {
    what: 'Another run holds the state; who, where and since when stands in the message.',
    why: 'Two runs at once would undo each other. The lock of a process that died is taken over by itself.',
    todo: 'Wait for it. A lock of another machine is removed by hand: `rm .stack/<stack>/engine.lock`.',
    example:
      '✖ ENGINE_LOCKED another run holds the state: up by root on build-7, process 4711, since 2026-11-21T10:10:09.000Z',
  },
  ENGINE_UNKNOWN_TYPE: {
    what: 'The program makes a resource of a type that the embedded engine does not know. It ended before that resource.',
    why: 'Somebody added a resource to the program. The engine knows Docker, commands, SSH and random values.',
    todo: 'Use the Pulumi CLI for this program.',
  },
  ENGINE_UNSUPPORTED: {
    what: 'A resource uses an option, an input or a function that the embedded engine does not have; the path is named.',
    why: 'What it does not know it refuses: leaving it out would make something else than the program says.',
    todo: 'Take the option out, or use the Pulumi CLI. A Docker host behind `ssh://` needs the CLI too.',
  },
  ENGINE_REFUSED: {
    what: 'A change was refused because it would delete data or cut off what is connected: a volume, a network in use, a resource on another Docker host. Nothing of it was done.',
    why: 'The configuration changed something that cannot change in place, such as the subnet.',
    todo: 'Undo the change. Where it is meant: `npm run destroy` (a production stack keeps its data volumes) and `npm run up`.',
  },
  ENGINE_NAME_TAKEN: {
    what: 'A container, network or volume of that name exists, and this state did not make it. It was left alone.',
    why: 'Another stack, another checkout or a person made it.',
    todo: 'Remove it, or give this stack a `telegram:namePrefix`.',
  },
  ENGINE_DOCKER_UNREACHABLE: {
    what: 'The Docker engine stopped answering in the middle of a run. What was finished is recorded.',
    why: 'It was stopped or restarted, or its socket is not open to this user.',
    todo: 'Start it and run the command again.',
  },
  ENGINE_RESOURCE_FAILED: {
    what: 'A step failed; which resource, and the last lines of its build, log or command stand below. What was finished stays and is recorded; what depends on the failed step was not begun.',
    why: 'It stands in those lines: an image that could not be built or pulled, a container that ended, keeps restarting or did not become healthy (with the end of its log and what its health check said), a command that ended with an error.',
    todo: 'Mend the cause and run `npm run up` again. A volume that an older PostgreSQL major made is named by the last line of the log of telegram-timescaledb: dump it with the old image, restore it into a fresh volume.',
    example: `✖ ENGINE_RESOURCE_FAILED telegram-timescaledb (docker:index/container:Container): keeps restarting, exit code 1
    log: start-postgres: the volume was made by PostgreSQL 16, the image has 17: dump it with the old image, restore it with the new`,
  },
  SSH_UNREACHABLE: {
    what: 'No connection to the gateway machine, or to its jump host. Nothing was changed there.',
    why: 'The machine is off, its sshd does not listen on that port, or its name is not known here.',
    todo: 'Try `ssh -p <port> <user>@<host>` by hand. A machine that is gone for good is left behind with `npm run destroy -- --forget-gateway`.',
  },
  SSH_TIMEOUT: {
    what: 'The gateway machine did not answer in time. Nothing was changed there.',
    why: 'The address is wrong, or a firewall drops the packets.',
    todo: 'Open the port for this machine, or go through a bastion with telegram:gateway.jump.',
  },
  SSH_LOGIN: {
    what: 'The machine answered and refused the login. It was tried once only, so that nobody is locked out.',
    why: 'The key is not among the authorized keys of that user, or there is no such user. The message says whether a private key or the agent was tried.',
    todo: 'Correct telegram:gateway.user or the key (`pulumi config set --secret --path telegram:gateway.privateKey`), or `ssh-add` the key.',
  },
  SSH_HOST_KEY: {
    what: 'The machine showed another host key than the pinned one. The connection was ended before anything was sent.',
    why: 'The machine was installed anew, the address leads to another one, or somebody stands in between.',
    todo: 'Compare the fingerprints on the machine itself before you change telegram:gateway.hostKey.',
  },
  SSH_SUDO: {
    what: 'The login works, but cannot become root without a password. Nothing was installed.',
    why: 'The user has no rule in sudoers, or one that asks for a password.',
    todo: 'Write the rule that the message shows, with the name of the login; or log in as root.',
  },
  SSH_HOST_UNFIT: {
    what: 'The machine cannot run the unit. Nothing was installed.',
    why: 'It has no systemd, or one that is too old.',
    todo: 'Take a machine with Debian 12, Ubuntu 24.04 or newer.',
  },
  ENGINE_INTERRUPTED: {
    what: 'The run was ended by Ctrl-C or by a supervisor. Exit code 130. What was finished is recorded, what was under way is known.',
    why: 'Somebody asked for it.',
    todo: 'Run the command again. The same holds for a run that was killed.',
  },
};
