import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderAccountUnit, renderEnvironment, renderUnit } from '../../../components/gateway-service/unit.js';
import { EXIT } from '../../../runtime/contract.js';

describe('renderUnit', () => {
  it('S1 renders the hardened unit', () => {
    expect(renderUnit({ nodeVersion: '24.21.0', memoryMb: 400, allowedNetworks: ['172.28.40.0/24'] })).toBe(`[Unit]
Description=Telegram MTProto gateway
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
OpenFile=/run/systemd/notify:notify
WatchdogSec=30s
User=telegram-gateway
Group=telegram-gateway
WorkingDirectory=/opt/telegram-gateway
EnvironmentFile=/etc/telegram-gateway/environment
Environment=NODE_ENV=production TELEGRAM_BOOT_ID=%b
ExecStart=/opt/telegram-gateway/node/24.21.0/node --max-old-space-size=260 /opt/telegram-gateway/current/telegram.cjs gateway
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=10s
RestartPreventExitStatus=64 65 66 67
TimeoutStartSec=60s
TimeoutStopSec=20s
KillMode=mixed
SyslogIdentifier=telegram-gateway
MemoryMax=400M
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
ReadWritePaths=/opt/telegram-gateway/.session
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
IPAddressDeny=any
IPAddressAllow=localhost 172.28.40.0/24
RestrictNamespaces=yes
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
`);
  });

  it('S1 sets no firewall where no networks are named', () => {
    expect(renderUnit({ nodeVersion: '24.21.0', memoryMb: 400 })).not.toContain('IPAddress');
  });
});

describe('renderAccountUnit', () => {
  const args = { nodeVersion: '24.21.0', memoryMb: 400 };

  it('R13 is the same unit for each further account, on an environment of its own', () => {
    const [one, other] = [renderUnit(args), renderAccountUnit(args)].map((text) => text.split('\n'));
    expect(other?.filter((line) => !one?.includes(line))).toEqual([
      'Description=Telegram MTProto gateway of account %i',
      'EnvironmentFile=/etc/telegram-gateway/%i.environment',
      'Environment=NODE_ENV=production TELEGRAM_BOOT_ID=%b TELEGRAM_ACCOUNT=%i',
      'SyslogIdentifier=telegram-gateway@%i',
    ]);
    // The later file counts.
    expect(other?.indexOf('EnvironmentFile=/etc/telegram-gateway/%i.environment')).toBeGreaterThan(
      other?.indexOf('EnvironmentFile=/etc/telegram-gateway/environment') ?? Infinity,
    );
  });
});

describe('renderEnvironment', () => {
  it('S1 quotes what systemd would interpret, in a fixed order', () => {
    expect(renderEnvironment({ B: 'plain words', A: 'a"b\\c$d`e' })).toBe(
      '# Written by the stack: `npm run up` writes it again.\nA="a\\"b\\\\c\\$d\\`e"\nB="plain words"\n',
    );
  });

  it('S1 refuses a value that would begin another line', () => {
    expect(() => renderEnvironment({ A: 'x\nB=y' })).toThrow('A: a line break cannot stand in an environment file');
  });
});

describe('the exit codes that systemd does not restart', () => {
  const guide = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'guides', 'gateway-machine.md'), 'utf8');
  const fatal = Object.entries(EXIT).filter(([, code]) => code > EXIT.failure);

  it.each(fatal)('S5 the guide says what %s means', (_, code) => {
    expect(guide).toMatch(new RegExp(`\\b${String(code)} (is )?an? \\w+`));
  });
});
