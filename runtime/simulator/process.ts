import { existsSync } from 'node:fs';
import type { Environment } from '../config.js';
import { RuntimeError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Shutdown } from '../shutdown.js';
import { readKeyFile, type SimulatorKeys } from './keys.js';
import { startSimulator, type Simulator } from './simulator.js';

/** The simulator as a process of its own. Refuses to run for a production environment. */
export async function runSimulator(environment: Environment, logger: Logger, shutdown: Shutdown): Promise<Simulator> {
  if (environment.TELEGRAM_ENVIRONMENT === 'production')
    throw new RuntimeError('SIMULATOR_IN_PRODUCTION', 'the simulator does not run in a production environment');
  const simulator = await startSimulator({
    host: environment.TELEGRAM_LISTEN_HOST,
    port: environment.TELEGRAM_SIMULATOR_MTPROTO_PORT,
    controlPort: environment.TELEGRAM_SIMULATOR_CONTROL_PORT,
    stateDir: environment.TELEGRAM_SIMULATOR_STATE_DIR,
    channels: environment.TELEGRAM_SIMULATOR_CHANNELS,
    rate: environment.TELEGRAM_SIMULATOR_RATE,
    keys: keysFrom(environment.TELEGRAM_SIMULATOR_KEY_FILE),
    logger,
  });
  shutdown.onClose('simulator', () => simulator.close());
  logger.info(
    {
      mtprotoPort: simulator.mtprotoPort,
      controlPort: simulator.controlPort,
      channels: simulator.world.channels.length,
    },
    'simulator listening',
  );
  return simulator;
}

/** Keys that the stack has made beforehand; without the file the simulator makes and keeps its own. */
function keysFrom(path: string): SimulatorKeys | undefined {
  if (path === '' || !existsSync(path)) return undefined;
  try {
    return readKeyFile(path);
  } catch (cause) {
    throw new RuntimeError('CONFIG_INVALID', `TELEGRAM_SIMULATOR_KEY_FILE: ${path} is not a key file`, { cause });
  }
}
