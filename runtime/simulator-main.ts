import { runSimulator } from './simulator/process.js';
import { startProcess } from './start.js';

// A bundle of its own: the production bundle must not hold the simulator.
void startProcess('simulator', ({ environment, logger, shutdown }) => runSimulator(environment, logger, shutdown));
