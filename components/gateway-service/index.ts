import { remote, type types } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { basename } from 'node:path';
import { GATEWAY_PATHS } from '../../runtime/contract.js';
import { Component } from '../component.js';
import type { Ready } from '../endpoint.js';
import { sshConnection, type SshTarget } from './connection.js';
import type { NamedAccount } from './named-accounts.js';
import {
  STAGING,
  credentialsScript,
  installScript,
  prepareScript,
  removeScript,
  serviceScript,
  sessionScript,
} from './render.js';
import { askableAddress, rootCommand, rootShell } from './shell.js';
import { renderAccountUnit, renderEnvironment, renderUnit } from './unit.js';

/** What `scripts/build.mjs` made, from `dist/manifest.json`; paths are relative to the project. */
export interface GatewayRelease {
  readonly hash: string;
  readonly archive: string;
  readonly nodeVersion: string;
  readonly nodeArchive: string;
}

export interface GatewayServiceArgs {
  /** The host, and how to log in there. Another address takes the gateway away from the old host first. */
  readonly target: SshTarget;
  /** What tells one host from the next: container id or host name. Another one is installed from scratch. */
  readonly hostId: pulumi.Input<string>;
  /** Removal is skipped when this goes away as well: the dev host's container. @default none */
  readonly host?: pulumi.Resource;
  /** A change is copied, linked and restarted. */
  readonly release: GatewayRelease;
  /** `TELEGRAM_*` of runtime/config.ts, nothing secret. A change restarts the service. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  /** Content of the credentials file. A change is re-read by the running service; nothing restarts. */
  readonly credentials: pulumi.Input<object>;
  /** Epoch of these credentials: the running service has changed over to it when they count as written. */
  readonly credentialEpoch: number;
  /** Session of the simulated account. Real ones are made on the host by `npm run login`. @default none */
  readonly session?: pulumi.Output<string>;
  /** Limit of the unit, in MiB. A change restarts the service. */
  readonly memoryMb: number;
  /** The only networks that the service may talk to, for example the stack's subnet; needs cgroup v2. @default any */
  readonly allowedNetworks?: readonly string[];
  /** Port of health and metrics. A change restarts the service. */
  readonly healthPort: number;
  /** Address that health and metrics listen on. A change restarts the service. @default '127.0.0.1' */
  readonly healthAddress?: string;
  /** Further accounts, whose gateways are looked at too. A change starts or moves those that it is about. @default none */
  readonly accounts?: readonly NamedAccount[];
  /** Session file. @default '/opt/telegram-gateway/.session/default.session' */
  readonly sessionFile?: string;
  /** What must be ready before anything is installed. @default none */
  readonly after?: readonly pulumi.Resource[];
}

const LOOPBACK = '127.0.0.1';

/**
 * The MTProto gateway under systemd, installed over SSH: the same for the dev container and a machine.
 * `up` ends only when it answers; `destroy` takes it away and leaves its sessions.
 */
export class GatewayService extends Component implements Ready {
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: GatewayServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:gateway:GatewayService', name, opts);
    const connection = sshConnection(args.target);
    const sessionFile = args.sessionFile ?? `${GATEWAY_PATHS.sessions}/default.session`;

    const removal = this.#removal(args, connection);
    const prepared = this.#script('prepare', args, {
      connection,
      stdin: prepareScript(),
      after: [removal, ...(args.after ?? [])],
    });
    const copies = [
      this.#copy('node', args.release.nodeArchive, args, { connection, after: [prepared] }),
      this.#copy('release', args.release.archive, args, { connection, after: [prepared] }),
    ];
    const installed = this.#script('install', args, { connection, stdin: install(args.release), after: copies });
    const credentials = this.#secret('credentials', args, {
      connection,
      script: credentialsScript({
        epoch: args.credentialEpoch,
        address: askableAddress(args.healthAddress ?? LOOPBACK, args.healthPort),
      }),
      content: pulumi.output(args.credentials).apply((document) => JSON.stringify(document)),
      after: [prepared],
    });
    const session = args.session && [
      this.#secret('session', args, {
        connection,
        script: sessionScript(sessionFile),
        content: args.session,
        after: [prepared],
      }),
    ];
    const service = this.#script('service', args, {
      connection,
      stdin: service_(args, sessionFile),
      after: [installed, credentials, ...(session ?? [])],
    });

    this.ready = [service];
    this.registerOutputs({});
  }

  /** Stands for what is on the host: has nothing to do when it is made, uninstalls when it goes. */
  #removal(args: GatewayServiceArgs, connection: types.input.remote.ConnectionArgs): remote.Command {
    return new remote.Command(
      this.child('removal'),
      {
        connection,
        create: 'true',
        delete: rootCommand(args.target.user, removeScript()),
        // Another address is another host: uninstall there before anything is installed here.
        triggers: [args.target.host, args.target.port ?? 22],
        logging: remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      this.under({ deleteBeforeReplace: true, ...(args.host && { deletedWith: args.host }) }),
    );
  }

  /** A script without secrets, read from stdin, so that an error does not repeat the whole of it. */
  #script(suffix: string, args: GatewayServiceArgs, step: Step & { stdin: pulumi.Input<string> }): remote.Command {
    return new remote.Command(
      this.child(suffix),
      {
        connection: step.connection,
        create: rootShell(args.target.user),
        stdin: step.stdin,
        triggers: [args.hostId],
        logging: remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      this.under({ dependsOn: [...step.after] }),
    );
  }

  /** A script whose stdin is the secret. */
  #secret(
    suffix: string,
    args: GatewayServiceArgs,
    step: Step & { script: string; content: pulumi.Input<string> },
  ): remote.Command {
    return new remote.Command(
      this.child(suffix),
      {
        connection: step.connection,
        create: rootCommand(args.target.user, step.script),
        stdin: pulumi.secret(step.content),
        triggers: [args.hostId],
        logging: remote.Logging.None,
        addPreviousOutputInEnv: false,
      },
      this.under({ dependsOn: [...step.after], additionalSecretOutputs: ['stdout', 'stderr'] }),
    );
  }

  #copy(suffix: string, archive: string, args: GatewayServiceArgs, step: Step): remote.CopyToRemote {
    return new remote.CopyToRemote(
      this.child(`copy-${suffix}`),
      {
        connection: step.connection,
        source: new pulumi.asset.FileAsset(archive),
        remotePath: `${STAGING}/${basename(archive)}`,
        triggers: [args.hostId],
      },
      this.under({ dependsOn: [...step.after] }),
    );
  }
}

interface Step {
  readonly connection: types.input.remote.ConnectionArgs;
  readonly after: readonly pulumi.Resource[];
}

function install(release: GatewayRelease): string {
  return installScript({
    hash: release.hash,
    nodeVersion: release.nodeVersion,
    releaseArchive: basename(release.archive),
    nodeArchive: basename(release.nodeArchive),
  });
}

function service_(args: GatewayServiceArgs, sessionFile: string): pulumi.Output<string> {
  const { hash, nodeVersion } = args.release;
  const listen = args.healthAddress ?? LOOPBACK;
  const unit = {
    nodeVersion,
    memoryMb: args.memoryMb,
    ...(args.allowedNetworks && { allowedNetworks: args.allowedNetworks }),
  };
  const own = {
    TELEGRAM_CREDENTIALS_FILE: GATEWAY_PATHS.credentials,
    TELEGRAM_SESSION_FILE: sessionFile,
    TELEGRAM_LISTEN_HOST: listen,
    TELEGRAM_LISTEN_PORT: String(args.healthPort),
  };
  return pulumi.all({ ...own, ...args.environment }).apply((variables) =>
    serviceScript({
      hash,
      nodeVersion,
      unit: renderUnit(unit),
      accountUnit: renderAccountUnit(unit),
      environment: renderEnvironment(variables),
      healthAddress: askableAddress(listen, args.healthPort),
      accounts: args.accounts ?? [],
    }),
  );
}
