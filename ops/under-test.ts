import type { StackUnderTest } from '../bench/chaos/run.js';
import { entryName } from '../components/pgbouncer/pools.js';
import { VHOST } from '../runtime/contract.js';
import { createLogger } from '../runtime/logger.js';
import { UserError } from '../stack/errors.js';
import { consumerLogins } from './consumer-logins.js';
import type { RunningStack } from './context.js';
import { container } from './doctor/fix.js';
import { onGateway } from './gateway-shell.js';
import { databaseAt, sqlOn } from './sql.js';

/** The consumer's own logins serve the run's group: it is to work with no more rights than any consumer has. */
export async function underTest(stack: RunningStack): Promise<StackUnderTest> {
  const { outputs, hosts } = stack;
  const { services, namePrefix } = outputs;
  const address = (name: string) => {
    const found = services[name];
    if (!found) throw new UserError('USAGE', `this needs ${name} in the stack, and this one has none`);
    return found;
  };
  if (outputs.environment === 'production') throw new UserError('USAGE', 'troubles are not for a production stack');
  const url = (name: string) => `http://${address(name).host}:${String(address(name).port)}`;
  const { database, rabbitmq } = await consumerLogins(stack);
  if (!database || !rabbitmq) throw new UserError('NOT_UP', 'the consumer has no logins');
  const [pooler, broker] = [address('pgbouncer'), address('rabbitmq')];
  return {
    namePrefix,
    docker: (args) => hosts.docker(args),
    onGateway: async (script) => {
      const { code, stdout, stderr } = await onGateway(outputs.gatewayLogin, script);
      if (code !== 0) throw new UserError('RESOURCE_FAILED', `gateway host: ${script}`, { details: stderr });
      return stdout;
    },
    inBroker: (command) => hosts.docker(['exec', container(stack, 'rabbitmq'), ...command]),
    sql: sqlOn({ ...databaseAt(outputs, 'timescaledb'), query_timeout: 120_000 }),
    database: {
      ...{ host: pooler.host, port: pooler.port, name: entryName('consumer'), poolSize: 2, tls: false },
      ...{ applicationName: 'telegram-chaos', login: () => database },
    },
    broker: {
      ...{ host: broker.host, port: broker.port, vhost: VHOST, tls: false, name: 'telegram-chaos' },
      login: () => rabbitmq,
    },
    logger: createLogger('telegram-chaos', process.env['DEBUG'] ? 'debug' : 'silent'),
    controlUrl: url('simulator-control'),
    gatewayMetricsUrl: `${url('gateway')}/metrics`,
  };
}
