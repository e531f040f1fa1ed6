/** The session that a stack has made for its simulator, on the host of its gateway; `prefix` is what the stack's names begin with. */
import { GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';
import { docker } from './test-stack.js';

export const SESSION_FILE = `${GATEWAY_PATHS.sessions}/default.session`;

/** A script on the host of that stack's gateway. */
export const onHost = (prefix: string, script: string) =>
  docker('exec', `${prefix}telegram-gateway-host`, 'sh', '-c', `set -e; ${script}`);

/** Takes it away, so that an old gateway can have it: the stack's own waits for a login. */
export async function takeSession(prefix: string): Promise<string> {
  await onHost(prefix, `systemctl stop ${GATEWAY_UNIT}`);
  const session = await onHost(prefix, `cat ${SESSION_FILE}`);
  await onHost(prefix, `rm ${SESSION_FILE}; systemctl start ${GATEWAY_UNIT}`);
  return session;
}

/** As it was before. */
export async function putSession(prefix: string, session: string): Promise<void> {
  await onHost(
    prefix,
    `umask 077; printf '%s\\n' '${session}' > ${SESSION_FILE}; chown telegram-gateway: ${SESSION_FILE}; systemctl restart ${GATEWAY_UNIT}`,
  );
}
