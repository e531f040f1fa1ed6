import { listAccounts, placeOf } from '../../components/gateway-service/accounts.js';
import { readinessScript } from '../../components/gateway-service/readiness.js';
import type { RunningStack } from '../context.js';
import { Failing, type Check } from './check.js';
import { waitsFor, type Readiness } from './gateway.js';
import { gatewayHost, type GatewayHost } from './gateway-host.js';

/** What is wrong with one account's gateway, with the command that mends it; null where it is ready. */
async function ailment(host: GatewayHost, account: string): Promise<Failing | null> {
  const fix = host.typed(`systemctl restart ${placeOf(account).unit}`);
  try {
    const { ready, checks } = JSON.parse(await host.run(readinessScript(account))) as Readiness;
    if (ready) return null;
    const login = checks['session']?.ok === false;
    return new Failing(`${account}: ${waitsFor(checks)}`, login ? `npm run login -- --account ${account}` : fix);
  } catch {
    return new Failing(`${account}: its gateway does not answer`, fix);
  }
}

async function furtherAccounts(stack: RunningStack): Promise<string> {
  const host = gatewayHost(stack);
  const names = (await host.run(listAccounts())).split('\n').filter(Boolean);
  if (names.length === 0) return 'the default one alone';
  const ill = (await Promise.all(names.map((name) => ailment(host, name)))).filter((found) => found !== null);
  const [first] = ill;
  if (first) throw new Failing(ill.map(({ message }) => message).join('; '), first.fix);
  return `also ready: ${names.join(', ')}`;
}

/** Gateways of further accounts that are to run; the default account's has rows of its own. */
export const accounts: Check = { name: 'accounts', fix: 'npm run up', run: furtherAccounts };
