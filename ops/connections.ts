import type { Login, ServiceAddress } from '../stack/outputs.js';
import { runningStack, type StackOptions } from './context.js';
import { print, printJson } from './output.js';

export type Connection = Pick<ServiceAddress, 'host' | 'port'> & Login;

/** Host and port of every service and, when asked, what opens it. */
export async function connections(
  options: StackOptions & { readonly json?: boolean; readonly showSecrets?: boolean },
): Promise<void> {
  const { outputs } = await runningStack(options);
  const list: Record<string, Connection> = Object.fromEntries(
    Object.entries(outputs.services).map(([name, { host, port }]) => [
      name,
      { host, port, ...(options.showSecrets ? outputs.logins[name] : {}) },
    ]),
  );
  if (options.json) {
    printJson(list);
    return;
  }
  for (const [name, { host, port, ...login }] of Object.entries(list)) {
    const secrets = Object.entries(login).map(([key, value]) => `${key}=${value}`);
    print([name.padEnd(22), `${host}:${String(port)}`, ...secrets].join('  '));
  }
}
