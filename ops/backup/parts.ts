import { existsSync } from 'node:fs';
import { sessionScript } from '../../components/gateway-service/render.js';
import { rootCommand } from '../../components/gateway-service/shell.js';
import { GATEWAY_PATHS } from '../../runtime/contract.js';
import { openSession } from '../../stack/session-seal.js';
import { UserError } from '../../stack/errors.js';
import type { RunningStack } from '../context.js';
import { confirm } from '../confirm.js';
import { run } from '../gateway-shell.js';
import { say } from '../output.js';
import type { Sidecar } from './sidecar.js';
import { z } from 'zod';

const sessionsSchema = z.array(z.object({ account: z.string(), sealed: z.string(), sealed_at: z.string() }));

/**
 * Brings back a part that is not the database: the sessions onto the gateway host, anything else into a file (0600) that must not
 * be there yet. What to do with such a file is in docs/guides/backup.md.
 */
export async function restorePart(
  stack: RunningStack & { readonly sidecar: Sidecar },
  part: string,
  { to, yes }: { readonly to?: string; readonly yes?: boolean },
): Promise<void> {
  if (!['sessions', 'redis', 'rabbitmq', 'dump'].includes(part))
    throw new UserError('USAGE', `expected sessions, redis, rabbitmq or dump, got "${part}"`);
  if (part === 'sessions') return restoreSessions(stack, yes ?? false);
  if (to === undefined) throw new UserError('USAGE', `--part ${part} needs --to <file>`);
  for (const file of [to, `${to}.new`]) if (existsSync(file)) throw new UserError('USAGE', `${file} is there already`);
  await stack.sidecar.write(['part', part], to);
  say(`✔ wrote ${to}`);
}

async function restoreSessions({ sidecar, outputs }: RunningStack & { readonly sidecar: Sidecar }, yes: boolean) {
  const found = sessionsSchema.parse(JSON.parse(await sidecar.call(['part', 'sessions'])));
  if (found.length === 0) throw new UserError('RESTORE_POINT', 'no session was backed up', { fix: 'npm run login' });
  const key = outputs.logins['backup']?.key ?? '';
  for (const { account, sealed, sealed_at: at } of found) {
    const session = openSession(key, Buffer.from(sealed, 'base64'));
    if (session === null)
      throw new UserError('BACKUP_KEY', `the session of account ${account} was sealed for another key`);
    if (
      !yes &&
      !(await confirm(`Put the session of account ${account}, of ${at}, in the place of the one on the gateway host?`))
    )
      throw new UserError('RESTORE_REFUSED', 'the sessions on the gateway host are as they were');
    const script = sessionScript(`${GATEWAY_PATHS.sessions}/${account}.session`);
    const { code, stderr } = await run(outputs.gatewayLogin, rootCommand(outputs.gatewayLogin.user, script), session);
    if (code !== 0)
      throw new UserError('RESTORE_FAILED', 'the gateway host did not take the session', { details: stderr });
    say(`✔ session of account ${account}, of ${at}, is on the gateway host`);
  }
}
