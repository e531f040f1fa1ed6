import { UserError } from '../../stack/errors.js';
import { tarFiles } from './tar.js';

/** A GramJS string session: version 1, then the data centre, its address and the key in base64. */
const SUPPORTED = /^1[A-Za-z0-9+/=_-]{340,}$/;

/** The session `<name>.session` out of an archive of the old gateway's sessions. */
export function sessionFrom(archive: Buffer, name: string): string {
  const files = tarFiles(archive);
  const content = files.get(`${name}.session`)?.content.toString('utf8').trim();
  if (content === undefined) {
    const there = [...files.keys()].filter((file) => file.endsWith('.session')).join(', ') || 'none';
    throw new UserError('MIGRATE_SESSION', `there is no session "${name}" at the old gateway; there are: ${there}`);
  }
  if (!SUPPORTED.test(content))
    throw new UserError('MIGRATE_SESSION', `"${name}.session" is no string session (version 1)`, {
      fix: 'Run `npm run login` after the migration, and leave this session to the old gateway.',
    });
  return content;
}
