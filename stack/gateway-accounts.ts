import { namedAccounts, type NamedAccount } from '../components/gateway-service/named-accounts.js';
import { PORTS } from '../runtime/contract.js';
import type { StackConfig } from './config-schema.js';

/** The further accounts of the configuration, with their ports on the gateway host. */
export function furtherAccounts({ gateway }: Pick<StackConfig, 'gateway'>): NamedAccount[] {
  return namedAccounts(gateway.accounts, firstPort(gateway));
}

/** All of them, the default one first. */
export function allAccounts({ gateway }: Pick<StackConfig, 'gateway'>): NamedAccount[] {
  return [{ name: DEFAULT_ACCOUNT, port: firstPort(gateway) }, ...furtherAccounts({ gateway })];
}

/** As runtime/config.ts names the account of a gateway that is told no other. */
export const DEFAULT_ACCOUNT = 'default';

/** A container publishes its port under another one; whoever asks from inside the network asks for its own. */
function firstPort(gateway: StackConfig['gateway']): number {
  return gateway.kind === 'machine' ? gateway.healthPort : PORTS.gatewayHealth;
}
