import { setTimeout as delay } from 'node:timers/promises';
import { script } from '../../components/gateway-service/shell.js';
import { sessionStatusScript } from '../../components/gateway-service/sessions.js';
import { GATEWAY_PATHS, GATEWAY_UNIT, GATEWAY_USER } from '../../runtime/contract.js';
import type { SessionStatus } from '../../runtime/login/session-process.js';
import { UserError } from '../../stack/errors.js';
import type { GatewayLogin } from '../../stack/gateway-login.js';
import { onGateway, type ShellResult } from '../gateway-shell.js';
import type { NewGateway } from './ports.js';

const FILE = `${GATEWAY_PATHS.sessions}/default.session`;
/** Longest wait for a gateway that was started to be ready: connected, and its channels listed. */
const READY_MS = 5 * 60_000;
const LOOK_MS = 1_000;

/** The gateway on its host, over SSH; a session travels on standard input alone. */
export class SshNewGateway implements NewGateway {
  /** `ready`: whether the gateway says that it is. */
  constructor(
    private readonly login: GatewayLogin,
    private readonly ready: () => Promise<boolean>,
  ) {}

  async session(): Promise<string | null> {
    const { stdout } = await this.#must(script(`[ ! -e ${FILE} ] || cat ${FILE}`));
    return stdout.trim() === '' ? null : stdout.trim();
  }

  async stop(): Promise<void> {
    await this.#must(script(`systemctl disable --quiet --now ${GATEWAY_UNIT}`));
  }

  async install(session: string): Promise<void> {
    const { sessions } = GATEWAY_PATHS;
    // The quoted end: nothing in the text is read by the shell.
    await this.#must(`set -eu
umask 077
install -d -m 0700 -o ${GATEWAY_USER} -g ${GATEWAY_USER} ${sessions}
cat > ${FILE}.new <<'END_OF_SESSION'
${session}
END_OF_SESSION
chown ${GATEWAY_USER}:${GATEWAY_USER} ${FILE}.new
chmod 0600 ${FILE}.new
sync ${FILE}.new
mv -T ${FILE}.new ${FILE}
sync ${sessions}
`);
  }

  async account(): Promise<string> {
    const { code, stdout, stderr } = await onGateway(this.login, sessionStatusScript(true));
    if (code !== 0)
      throw new UserError('MIGRATE_SESSION', 'Telegram cannot be asked about the session', { details: stderr });
    const { userId, state } = JSON.parse(stdout) as SessionStatus;
    if (userId === null) throw new UserError('MIGRATE_SESSION', `Telegram does not accept the session: ${state}`);
    return userId;
  }

  async remove(): Promise<void> {
    await this.#must(script(`rm -f ${FILE} ${FILE}.new`));
  }

  async wait(): Promise<void> {
    await this.#must(
      script(`systemctl reset-failed ${GATEWAY_UNIT} 2>/dev/null || true
systemctl enable --quiet ${GATEWAY_UNIT}
systemctl start ${GATEWAY_UNIT}`),
    );
  }

  async start(): Promise<void> {
    await this.wait();
    const deadline = Date.now() + READY_MS;
    while (!(await this.ready())) {
      if (Date.now() > deadline)
        throw new UserError('MIGRATE_SESSION', 'the new gateway was started and is not ready', {
          fix: 'See `npm run logs -- gateway`; `npm run rollback -- --migration quick` brings the old one back.',
        });
      await delay(LOOK_MS);
    }
  }

  async #must(text: string): Promise<ShellResult> {
    const result = await onGateway(this.login, text);
    if (result.code === 0) return result;
    throw new UserError('MIGRATE_PREFLIGHT', 'a step on the gateway host failed', { details: result.stderr });
  }
}
