/**
 * `command:remote:CopyToRemote`: a file, a text or a folder over SFTP. As with Pulumi's provider nothing is ever pruned or deleted
 * on the other side, and mode and owner are what the login gives. Copied again when the content, the path or a trigger changed.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import type { SFTPWrapper } from 'ssh2';
import { z } from 'zod';
import { StepError } from '../errors.js';
import { defineHandler } from './handler.js';
import { connectionSchema, openSftp, withConnection } from './ssh.js';

const schema = z.strictObject({
  connection: connectionSchema,
  source: z.strictObject({
    $asset: z.enum(['file', 'archive', 'text']),
    path: z.string().optional(),
    text: z.string().optional(),
    sha256: z.string(),
  }),
  remotePath: z.string(),
  triggers: z.array(z.unknown()).optional(),
});

type Source = z.output<typeof schema>['source'];

export const copyToRemote = defineHandler({
  schema,
  rules: { onChange: 'update', replaceKeys: ['triggers'] },
  create: async (context, { inputs, previous }) => {
    await withConnection(inputs.connection, context.signal, async (client) => {
      await copy(await openSftp(client), inputs.source, inputs.remotePath);
    });
    return { id: previous?.id ?? context.autoName, outputs: {} };
  },
});

/**
 * Where things land, as in Pulumi's provider: a file in an existing folder goes into it, else the path is the file's own; a
 * folder is copied into the path under its own name, with a trailing slash only its contents are.
 */
async function copy(sftp: SFTPWrapper, source: Source, remotePath: string): Promise<void> {
  const there = await kindOf(sftp, remotePath);
  if (source.path === undefined) {
    if (there === 'folder') throw new StepError(`${remotePath} is a folder; a text needs the path of a file`);
    await step(`write ${remotePath}`, (done) => {
      sftp.writeFile(remotePath, source.text ?? '', done);
    });
  } else if ((await stat(source.path)).isDirectory()) {
    await ensureFolder(sftp, remotePath);
    await copyFolder(
      sftp,
      source.path,
      source.path.endsWith('/') ? remotePath : posix.join(remotePath, basename(source.path)),
    );
  } else {
    await copyFile(sftp, source.path, there === 'folder' ? posix.join(remotePath, basename(source.path)) : remotePath);
  }
}

async function copyFolder(sftp: SFTPWrapper, local: string, remote: string): Promise<void> {
  await ensureFolder(sftp, remote);
  for (const name of (await readdir(local)).sort()) {
    const from = join(local, name);
    if ((await stat(from)).isDirectory()) await copyFolder(sftp, from, posix.join(remote, name));
    else await copyFile(sftp, from, posix.join(remote, name));
  }
}

async function copyFile(sftp: SFTPWrapper, local: string, remote: string): Promise<void> {
  // The fast way writes pieces out of order and has no case for a file without any.
  if ((await stat(local)).size === 0)
    await step(`write ${remote}`, (done) => {
      sftp.writeFile(remote, '', done);
    });
  else
    await step(`copy to ${remote}`, (done) => {
      sftp.fastPut(local, remote, done);
    });
}

async function ensureFolder(sftp: SFTPWrapper, path: string): Promise<void> {
  const there = await kindOf(sftp, path);
  if (there === 'other') throw new StepError(`${path} exists there and is not a folder`);
  if (there === 'nothing')
    await step(`make ${path}`, (done) => {
      sftp.mkdir(path, done);
    });
}

async function kindOf(sftp: SFTPWrapper, path: string): Promise<'folder' | 'other' | 'nothing'> {
  const NO_SUCH_FILE = 2;
  return new Promise((resolve, reject) => {
    sftp.stat(path, (error, found) => {
      if (error === undefined) resolve(found.isDirectory() ? 'folder' : 'other');
      else if ((error as { readonly code?: unknown }).code === NO_SUCH_FILE) resolve('nothing');
      else reject(new StepError(`${path} cannot be looked at: ${error.message}`));
    });
  });
}

/** One SFTP operation; what it was stands in front of what the other side said. */
async function step(what: string, run: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (error === undefined || error === null) resolve();
      else reject(new StepError(`could not ${what}: ${error.message}`));
    });
  });
}
