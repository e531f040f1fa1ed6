import { dirname } from 'node:path/posix';
import { EXIT, GATEWAY_PATHS, GATEWAY_USER } from '../../runtime/contract.js';

export interface UnitArgs {
  readonly nodeVersion: string;
  /** Limit of everything in the unit, in MiB. */
  readonly memoryMb: number;
  /** The only networks that it may talk to, beside the machine itself; needs cgroup v2. @default any */
  readonly allowedNetworks?: readonly string[];
}

/** Share of the unit's memory that V8 may use for its old generation; the rest is buffers, code and native memory. */
const HEAP_SHARE = 0.65;

/** The Node binary of one version on the gateway host. */
export function nodePath(version: string): string {
  return `${GATEWAY_PATHS.root}/node/${version}/node`;
}

/**
 * The unit file. Runs on systemd 252 and newer; older ones ignore what they do not know.
 *
 * NotifyAccess=all and OpenFile= stand for both ways to notify, see runtime/sd-notify.ts; `serviceScript` keeps the one
 * that the host's systemd has. It also takes PrivateUsers= away where the kernel refuses user namespaces.
 * Restart=on-failure without a start limit: it is never given up, except for the exit codes that a restart cannot mend.
 * Not set: MemoryDenyWriteExecute, because V8 makes executable memory.
 */
export function renderUnit(args: UnitArgs): string {
  return unitOf(args, {
    description: 'Telegram MTProto gateway',
    environment: `EnvironmentFile=${GATEWAY_PATHS.environment}
Environment=NODE_ENV=production TELEGRAM_BOOT_ID=%b`,
    identifier: 'telegram-gateway',
  });
}

/**
 * The template of a further account's unit, `telegram-gateway@<account>.service`: what the gateway has, on the account's own
 * session and port. Both stand in a file of the account's, without which it does not start.
 */
export function renderAccountUnit(args: UnitArgs): string {
  return unitOf(args, {
    description: 'Telegram MTProto gateway of account %i',
    environment: `EnvironmentFile=${GATEWAY_PATHS.environment}
EnvironmentFile=${accountEnvironment('%i')}
Environment=NODE_ENV=production TELEGRAM_BOOT_ID=%b TELEGRAM_ACCOUNT=%i`,
    identifier: 'telegram-gateway@%i',
  });
}

/** What a further account has beside the gateway's environment: TELEGRAM_SESSION_FILE and TELEGRAM_LISTEN_PORT. */
export function accountEnvironment(account: string): string {
  return `${dirname(GATEWAY_PATHS.environment)}/${account}.environment`;
}

interface UnitOwn {
  readonly description: string;
  /** Lines that name the process's environment. */
  readonly environment: string;
  readonly identifier: string;
}

function unitOf({ nodeVersion, memoryMb, allowedNetworks }: UnitArgs, own: UnitOwn): string {
  const heapMb = Math.floor(memoryMb * HEAP_SHARE);
  const fatal = [EXIT.config, EXIT.telegramAuth, EXIT.sessionInUse, EXIT.leaseLost].map(String).join(' ');
  const firewall = allowedNetworks
    ? `IPAddressDeny=any\nIPAddressAllow=${['localhost', ...allowedNetworks].join(' ')}\n`
    : '';
  return `[Unit]
Description=${own.description}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
OpenFile=/run/systemd/notify:notify
WatchdogSec=30s
User=${GATEWAY_USER}
Group=${GATEWAY_USER}
WorkingDirectory=${GATEWAY_PATHS.root}
${own.environment}
ExecStart=${nodePath(nodeVersion)} --max-old-space-size=${String(heapMb)} ${GATEWAY_PATHS.current}/telegram.cjs gateway
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=10s
RestartPreventExitStatus=${fatal}
TimeoutStartSec=60s
TimeoutStopSec=20s
KillMode=mixed
SyslogIdentifier=${own.identifier}
MemoryMax=${String(memoryMb)}M
MemorySwapMax=0
TasksMax=64
LimitNOFILE=8192
LimitCORE=0

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateTmp=yes
PrivateUsers=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectSystem=strict
ReadWritePaths=${GATEWAY_PATHS.sessions}
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
${firewall}RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

/** `NAME="value"` lines as systemd reads them, sorted. */
export function renderEnvironment(variables: Readonly<Record<string, string>>): string {
  const lines = Object.keys(variables)
    .sort()
    .map((name) => `${name}=${quoted(name, variables[name] ?? '')}\n`);
  return `# Written by the stack: \`npm run up\` writes it again.\n${lines.join('')}`;
}

function quoted(name: string, value: string): string {
  if (/[\n\r\0]/.test(value)) throw new RangeError(`${name}: a line break cannot stand in an environment file`);
  return `"${value.replace(/["\\$`]/g, '\\$&')}"`;
}
