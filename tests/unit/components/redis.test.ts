import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { majority, renderRedisConf, renderSentinelConf } from '../../../components/redis/render.js';
import {
  nodeHealthScript,
  nodeStartScript,
  reloadScript,
  sentinelHealthScript,
  sentinelStartScript,
  type Topology,
} from '../../../components/redis/scripts.js';
import { renderCredentialFiles, renderNodeUsers, renderSentinelUsers } from '../../../components/redis/users.js';
import { CACHE_CLIENTS, type CacheClient } from '../../../runtime/contract.js';

const topology: Topology = {
  nodes: ['172.30.0.20', '172.30.0.21'],
  sentinels: ['172.30.0.31', '172.30.0.32', '172.30.0.33'],
  quorum: 2,
};
const pair = (name: string) => ({ a: `${name}A`, b: `${name}B`, active: 'b' as const });
const users = Object.fromEntries(CACHE_CLIENTS.map((name) => [name, pair(name)])) as Record<
  CacheClient,
  ReturnType<typeof pair>
>;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const lineOf = (text: string, start: string) => text.split('\n').find((line) => line.startsWith(start));

describe('redis.conf', () => {
  it('D3 keeps an append-only file synced every second, and caps memory with a policy that never refuses a write', () => {
    expect(renderRedisConf({ address: '172.30.0.20', maxMemoryMb: 1024 }))
      .toBe(`# Made by the stack; changes are lost at the next start.
port 6379
bind 0.0.0.0
protected-mode yes
daemonize no
logfile ""
dir /data
databases 1
tcp-keepalive 60
shutdown-timeout 5

aclfile /credentials/users.acl
include /credentials/replication.conf

appendonly yes
appendfsync everysec
auto-aof-rewrite-percentage 200
auto-aof-rewrite-min-size 2048mb
save ""
oom-score-adj relative
oom-score-adj-values 0 0 800

maxmemory 1024mb
maxmemory-policy allkeys-lru
lazyfree-lazy-eviction yes
lazyfree-lazy-expire yes

replica-announce-ip 172.30.0.20
replica-announce-port 6379
repl-diskless-sync-delay 0
repl-ping-replica-period 1
repl-backlog-size 64mb
min-replicas-to-write 0
client-output-buffer-limit replica 256mb 128mb 60
`);
  });

  it('D12 keeps its buffers small where the cap is small', () => {
    const conf = renderRedisConf({ address: '172.30.0.20', maxMemoryMb: 16 });
    expect(lineOf(conf, 'repl-backlog-size')).toBe('repl-backlog-size 1mb');
    expect(lineOf(conf, 'client-output-buffer-limit')).toBe('client-output-buffer-limit replica 4mb 2mb 60');
  });
});

describe('sentinel.conf', () => {
  it('D5 fails over fast, by a majority, with addresses and no host names', () => {
    expect(renderSentinelConf({ address: '172.30.0.31', quorum: 2 }))
      .toBe(`# Made by the stack; changes are lost at the next start.
port 26379
bind 0.0.0.0
daemonize no
logfile ""
dir /data
aclfile /credentials/sentinel-users.acl
sentinel resolve-hostnames no
sentinel announce-hostnames no
sentinel announce-ip 172.30.0.31
sentinel announce-port 26379
sentinel deny-scripts-reconfig yes
sentinel monitor telegram @MASTER@ 6379 2
sentinel down-after-milliseconds telegram 1000
sentinel failover-timeout telegram 3000
sentinel parallel-syncs telegram 1
`);
  });

  it.each([
    [1, 1],
    [3, 2],
  ])('D5 a majority of %d is %d', (sentinels, quorum) => {
    expect(majority(sentinels)).toBe(quorum);
  });
});

describe('users of the data nodes', () => {
  const acl = renderNodeUsers(users);

  it('D3 has no default user and one line for each client', () => {
    expect(acl.split('\n').map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
      'user default reset',
      ...CACHE_CLIENTS.map((name) => `user ${name} reset on`),
      '',
    ]);
  });

  it('O5 accepts both slots of every client, as hashes only', () => {
    for (const name of CACHE_CLIENTS)
      expect(lineOf(acl, `user ${name} `)).toContain(` on #${sha256(`${name}A`)} #${sha256(`${name}B`)} `);
    expect(acl).not.toMatch(/(?:gateway|admin)[AB]\b/);
  });

  it('D3 lets only admin see the configuration, which holds the replication password', () => {
    for (const name of CACHE_CLIENTS.filter((client) => client !== 'admin'))
      expect(lineOf(acl, `user ${name} `)).not.toMatch(/\+@all|config\|get/);
  });

  it('D5 lets nobody but the Sentinels and admin speak on the hello channel', () => {
    const speakers = acl.split('\n').filter((line) => /&\*|&__sentinel__/.test(line));
    expect(speakers.map((line) => line.split(' ')[1])).toEqual(['sentinel', 'admin']);
  });

  it('D3 gives the reader no way to write', () => {
    expect(lineOf(acl, 'user reader ')).not.toContain('+@write');
    expect(lineOf(acl, 'user reader ')).toContain(' %R~telegram:* ');
  });
});

describe('credential files', () => {
  const files = renderCredentialFiles(users, pair('client'));

  it('O5 shows the active password first and keeps the other for a server that does not know it yet', () => {
    expect(files['replication.conf']).toBe('masteruser replication\nmasterauth replicationB\n');
    expect(files['sentinel-client']).toBe('clientB\nclientA\n');
    expect(files['sentinel.conf']).toBe(
      'sentinel auth-user telegram sentinel\nsentinel auth-pass telegram sentinelB\nsentinel sentinel-user sentinel\nsentinel sentinel-pass sentinelB\n',
    );
  });

  it('D5 lets clients of a Sentinel ask, but change nothing', () => {
    const client = lineOf(renderSentinelUsers(pair('client'), users), 'user default ');
    expect(client).toContain(`#${sha256('clientA')} #${sha256('clientB')}`);
    expect(client).toContain('+sentinel|get-master-addr-by-name');
    expect(client).not.toMatch(/\+sentinel\|(set|failover|monitor|remove|reset|config)|\+publish|\+@/);
  });
});

describe('scripts', () => {
  const scripts = {
    'start of a node': nodeStartScript(topology, '172.30.0.21'),
    'start of a Sentinel': sentinelStartScript(topology, '172.30.0.32'),
    'health of a node': nodeHealthScript(),
    'health of a Sentinel': sentinelHealthScript(),
    'reload of a node': reloadScript('node'),
    'reload of a Sentinel': reloadScript('sentinel'),
  };

  it.each(Object.entries(scripts))('the %s is valid shell', (_, script) => {
    expect(() => execFileSync('sh', ['-n'], { input: script, stdio: 'pipe' })).not.toThrow();
  });

  it('S4 no password is a word of a command line', () => {
    for (const script of Object.values(scripts))
      expect(script).not.toMatch(/redis-cli[^\n]*(?: -a | --pass |\$secret)/);
  });

  it('D4 a node knows itself, the other one, the rendered master and every Sentinel', () => {
    expect(scripts['start of a node'].split('\n').slice(2, 7)).toEqual([
      'SELF=172.30.0.21',
      'OTHER=172.30.0.20',
      'RENDERED=172.30.0.20',
      "SENTINELS='172.30.0.31 172.30.0.32 172.30.0.33'",
      'QUORUM=2',
    ]);
  });

  it('D5 a Sentinel keeps what it knew of its peers, not of itself', () => {
    expect(scripts['start of a Sentinel']).toContain("PEERS='172.30.0.31 172.30.0.33'");
  });
});
