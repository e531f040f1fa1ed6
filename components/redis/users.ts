import { createHash } from 'node:crypto';
import { SENTINEL_MASTER, type CacheClient } from '../../runtime/contract.js';

/** Both passwords of one user, plain. */
export interface Passwords {
  readonly a: string;
  readonly b: string;
  readonly active: 'a' | 'b';
}

/** Reads and writes of the product's keys, scripts of such; nothing administrative, nothing that blocks the server. */
const CACHE_USE = '~telegram:* +@read +@write +@connection +@transaction +eval -@dangerous -@blocking +info +role';

/**
 * What each user may do on a data node. Nobody but the Sentinels' user may publish to `__sentinel__:hello`: whoever can
 * forges the topology. `CONFIG GET` is for `admin` alone, because it shows the replication password.
 */
const NODE_RIGHTS: Readonly<Record<CacheClient, string>> = {
  gateway: CACHE_USE,
  consumer: CACHE_USE,
  api: CACHE_USE,
  reader:
    '%R~telegram:* +@read +@connection -@dangerous -@blocking +info +role +slowlog|get +slowlog|len +latency|latest +latency|histogram +client|list +memory|usage',
  replication: '+psync +sync +replconf +ping',
  sentinel:
    '&__sentinel__:hello +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill',
  admin: '~* &* +@all',
};

/** What clients may ask a Sentinel, and listen to; changing anything is for `admin`. */
const ASK_SENTINEL =
  '&* +ping +info +role +client|setname +client|setinfo +client|id +subscribe +psubscribe +unsubscribe +punsubscribe ' +
  ['get-master-addr-by-name', 'master', 'masters', 'replicas', 'slaves', 'sentinels', 'ckquorum', 'myid']
    .map((command) => `+sentinel|${command}`)
    .join(' ');

/** What one Sentinel may do on another. */
const PEER_SENTINEL = '&__sentinel__:hello +ping +publish +client|setname +sentinel|is-master-down-by-addr';

/** users.acl of the data nodes: only hashes, both slots, and no default user. */
export function renderNodeUsers(users: Readonly<Record<CacheClient, Passwords>>): string {
  const lines = (Object.keys(NODE_RIGHTS) as CacheClient[]).map((name) => line(name, users[name], NODE_RIGHTS[name]));
  return ['user default reset', ...lines, ''].join('\n');
}

/**
 * ACL file of the Sentinels. Clients know one password and no name, so theirs is the default user.
 */
export function renderSentinelUsers(clients: Passwords, users: Readonly<Record<CacheClient, Passwords>>): string {
  return [
    line('default', clients, ASK_SENTINEL),
    line('sentinel', users.sentinel, PEER_SENTINEL),
    line('admin', users.admin, NODE_RIGHTS.admin),
    '',
  ].join('\n');
}

/** Secret files of every Redis container. */
export function renderCredentialFiles(
  users: Readonly<Record<CacheClient, Passwords>>,
  clients: Passwords,
): Readonly<Record<string, string>> {
  const peer = active(users.sentinel);
  return {
    'users.acl': renderNodeUsers(users),
    'sentinel-users.acl': renderSentinelUsers(clients, users),
    'replication.conf': `masteruser replication\nmasterauth ${active(users.replication)}\n`,
    'sentinel.conf': [
      `sentinel auth-user ${SENTINEL_MASTER} sentinel`,
      `sentinel auth-pass ${SENTINEL_MASTER} ${peer}`,
      'sentinel sentinel-user sentinel',
      `sentinel sentinel-pass ${peer}`,
      '',
    ].join('\n'),
    admin: both(users.admin),
    sentinel: both(users.sentinel),
    'sentinel-client': both(clients),
  };
}

function line(name: string, passwords: Passwords, rights: string): string {
  return `user ${name} reset on #${sha256(passwords.a)} #${sha256(passwords.b)} ${rights}`;
}

/** The password in use, then the other: during a rotation a server may not know the first yet. */
function both(passwords: Passwords): string {
  return `${active(passwords)}\n${passwords[passwords.active === 'a' ? 'b' : 'a']}\n`;
}

function active(passwords: Passwords): string {
  return passwords[passwords.active];
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
