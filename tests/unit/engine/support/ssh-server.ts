import {
  chmodSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server, utils, type Connection, type Session, type SFTPWrapper } from 'ssh2';

export interface Executed {
  readonly command: string;
  readonly stdin: string;
}

export interface Reply {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
  /** Breaks the connection instead of an answer. */
  readonly breaks?: boolean;
}

/** A new key pair. The library drops a leading zero byte now and then, and its own parser then refuses the key. */
export function sshKeyPair(type: 'ed25519' | 'ecdsa'): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = type === 'ecdsa' ? utils.generateKeyPairSync(type, { bits: 256 }) : utils.generateKeyPairSync(type);
    if (!(utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

/** A real SSH server in this process, with host keys of two kinds; `root` is its file system. */
export class SshServer {
  readonly executed: Executed[] = [];
  readonly clientKey = sshKeyPair('ed25519');
  readonly hostKey = sshKeyPair('ed25519');
  readonly otherHostKey = sshKeyPair('ecdsa');
  /** So many connections are dropped before one is let in. */
  refusals = 0;
  /** Asked for a way to somewhere else, it says nothing. */
  forwardsNowhere = false;
  dials = 0;
  reply: (executed: Executed) => Reply = () => ({});
  readonly #server = new Server({ hostKeys: [this.otherHostKey.private, this.hostKey.private] }, (client) => {
    this.#serve(client);
  });
  readonly #clients = new Set<Connection>();

  constructor(private readonly root: string) {}

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  connection(more: object = {}) {
    const { port } = this.#server.address() as AddressInfo;
    return {
      host: '127.0.0.1',
      port,
      user: 'operator',
      privateKey: this.clientKey.private,
      hostKey: this.hostKey.public,
      dialErrorLimit: 2,
      ...more,
    };
  }

  #serve(client: Connection): void {
    this.#clients.add(client);
    this.dials += 1;
    client.on('close', () => this.#clients.delete(client));
    // What a client does not like it simply leaves.
    client.on('error', () => undefined);
    if (this.refusals > 0) {
      this.refusals -= 1;
      client.end();
      return;
    }
    const known = utils.parseKey(this.clientKey.public);
    if (known instanceof Error) throw known;
    client.on('authentication', (attempt) => {
      if (attempt.method === 'publickey' && attempt.key.data.equals(known.getPublicSSH())) attempt.accept();
      else attempt.reject(['publickey']);
    });
    client.on('session', (accept) => {
      this.#session(accept(), client);
    });
    client.on('tcpip', (accept, reject, target) => {
      if (this.forwardsNowhere) return;
      const onward = connect(target.destPort, target.destIP);
      onward.once('error', reject).once('connect', () => {
        const channel = accept();
        channel.pipe(onward).pipe(channel);
      });
    });
  }

  #session(session: Session, client: Connection): void {
    session.on('sftp', (accept) => {
      serveFiles(accept(), this.root);
    });
    session.on('exec', (accept, _reject, { command }) => {
      const channel = accept();
      let stdin = '';
      channel.on('data', (chunk: Buffer) => {
        stdin += chunk.toString('utf8');
      });
      channel.on('end', () => {
        const executed = { command, stdin };
        this.executed.push(executed);
        const { stdout = '', stderr = '', code = 0, breaks = false } = this.reply(executed);
        if (breaks) {
          client.end();
          return;
        }
        channel.write(stdout);
        channel.stderr.write(stderr);
        channel.exit(code);
        channel.end();
      });
    });
  }
}

const { OK, FAILURE, NO_SUCH_FILE } = utils.sftp.STATUS_CODE;

/** As much of SFTP as copying there needs. */
function serveFiles(sftp: SFTPWrapper, root: string): void {
  const attempt = (request: number, task: () => void): void => {
    try {
      task();
    } catch (error) {
      sftp.status(request, (error as NodeJS.ErrnoException).code === 'ENOENT' ? NO_SUCH_FILE : FAILURE, String(error));
    }
  };
  const done = (request: number, task: () => void): void => {
    attempt(request, () => {
      task();
      sftp.status(request, OK);
    });
  };
  const attributes = ({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats) => ({
    mode,
    uid,
    gid,
    size,
    atime: atimeMs / 1000,
    mtime: mtimeMs / 1000,
  });
  const look = (request: number, path: string): void => {
    attempt(request, () => {
      sftp.attrs(request, attributes(statSync(join(root, path))));
    });
  };
  sftp.on('STAT', look).on('LSTAT', look);
  sftp.on('MKDIR', (request, path) => {
    done(request, () => {
      mkdirSync(join(root, path));
    });
  });
  sftp.on('OPEN', (request, path, flags) => {
    attempt(request, () => {
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(openSync(join(root, path), utils.sftp.flagsToString(flags) ?? 'w'));
      sftp.handle(request, handle);
    });
  });
  sftp.on('WRITE', (request, handle, offset, data) => {
    done(request, () => writeSync(handle.readUInt32BE(), data, 0, data.length, offset));
  });
  sftp.on('FSTAT', (request, handle) => {
    attempt(request, () => {
      sftp.attrs(request, attributes(fstatSync(handle.readUInt32BE())));
    });
  });
  sftp.on('FSETSTAT', (request, handle, { size }: { size?: number }) => {
    done(request, () => {
      if (size !== undefined) ftruncateSync(handle.readUInt32BE(), size);
    });
  });
  sftp.on('SETSTAT', (request, path, { mode }: { mode?: number }) => {
    done(request, () => {
      if (mode !== undefined) chmodSync(join(root, path), mode & 0o7777);
    });
  });
  sftp.on('CLOSE', (request, handle) => {
    done(request, () => {
      closeSync(handle.readUInt32BE());
    });
  });
}
