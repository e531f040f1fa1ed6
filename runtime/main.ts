import { EXIT } from './contract.js';
import { startWithCredentials } from './start.js';

/**
 * Composition root of the production bundle: `telegram.cjs gateway | consumer | api | login | session | admin <tool>`. Each process loads only
 * its own part of the bundle: a one-shot tool would otherwise spend most of its time on the Telegram client.
 */
async function main(role: string | undefined, args: readonly string[]): Promise<void> {
  switch (role) {
    case 'gateway':
      return startWithCredentials('gateway', async (context) => {
        const { createGatewayParts } = await import('./gateway/parts.js');
        const { runGateway } = await import('./gateway/process.js');
        const { environment, credentials, logger, shutdown } = context;
        await runGateway(environment, credentials, logger, shutdown, createGatewayParts(context));
      });
    case 'consumer':
      return startWithCredentials('consumer', async (context) => {
        const { runConsumer } = await import('./consumer/process.js');
        await runConsumer(context);
      });
    case 'api':
      return startWithCredentials('api', async (context) => {
        const { runApi } = await import('./api/process.js');
        await runApi(context);
      });
    case 'login': {
      const { runLogin } = await import('./login/process.js');
      return runLogin(args);
    }
    case 'session': {
      const { runSession } = await import('./login/session-process.js');
      return runSession(args);
    }
    case 'admin': {
      const { runAdmin } = await import('./admin/process.js');
      return runAdmin(args);
    }
    default:
      process.stderr.write('usage: telegram.cjs gateway | consumer | api | login | session | admin <tool>\n');
      process.exit(EXIT.config);
  }
}

void main(process.argv[2], process.argv.slice(3));
