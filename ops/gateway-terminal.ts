import type { ClientChannel } from 'ssh2';
import { rootCommand } from '../components/gateway-service/shell.js';
import type { GatewayLogin } from '../stack/gateway-login.js';
import { EngineError, StepError } from './engine/errors.js';
import { withConnection } from './engine/resources/ssh.js';
import { patient } from './gateway-shell.js';

/**
 * Runs a script as root on the gateway host with this process's own stdin, stdout and stderr. A terminal here is a terminal
 * there, so that the script can ask without echo. Gives the exit code.
 */
export async function atTerminal(login: GatewayLogin, script: string, boundMs: number): Promise<number> {
  const command = rootCommand(login.user, script);
  try {
    return await withConnection(
      patient(login),
      AbortSignal.timeout(boundMs),
      (client) =>
        new Promise<number>((resolve, reject) => {
          const pty = process.stdin.isTTY ? { pty: { ...windowSize(), term: process.env['TERM'] ?? 'xterm' } } : {};
          client.exec(command, pty, (error, channel) => {
            if (error) reject(error);
            else resolve(attach(channel));
          });
        }),
    );
  } catch (error) {
    if (error instanceof StepError) throw new EngineError(error.code, error.message, { details: error.details });
    throw error;
  }
}

/** Joins the channel with this process until it closes; gives the exit code. */
async function attach(channel: ClientChannel): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const terminal = stdin.isTTY;
  const resize = () => {
    const { rows, cols } = windowSize();
    channel.setWindow(rows, cols, 0, 0);
  };
  let code: number | undefined;
  channel.on('exit', (value: number | null) => {
    code = value ?? 1;
  });
  // The other side may end while this one still writes: no error of ours.
  channel.on('error', () => undefined);
  channel.pipe(terminal && !stdout.isTTY ? stderr : stdout, { end: false });
  channel.stderr.pipe(stderr, { end: false });
  stdin.pipe(channel);
  if (terminal) {
    stdin.setRawMode(true);
    stdout.on('resize', resize);
  }
  try {
    await new Promise((resolve) => channel.on('close', resolve));
    if (code === undefined) throw new StepError('the gateway host ended the command without a result');
    return code;
  } finally {
    if (terminal) stdin.setRawMode(false);
    stdout.off('resize', resize);
    stdin.unpipe(channel);
    stdin.pause();
  }
}

function windowSize() {
  return { rows: process.stdout.rows || 24, cols: process.stdout.columns || 80 };
}
