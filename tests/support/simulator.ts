import { afterEach, expect } from '@jest/globals';
import * as simulated from '../../runtime/simulator/simulator.js';

const started = new Set<simulated.Simulator>();
const forgiven = new WeakMap<simulated.Simulator, readonly string[]>();

/** As the original, and watched: a test during which a client called a method that the simulator lacks fails. */
export async function startSimulator(options: simulated.SimulatorOptions = {}): Promise<simulated.Simulator> {
  const simulator = await simulated.startSimulator(options);
  started.add(simulator);
  return simulator;
}

/** For a test that calls what does not exist on purpose. */
export function forgive(simulator: simulated.Simulator, ...methods: readonly string[]): void {
  forgiven.set(simulator, methods);
}

afterEach(() => {
  const missing = [...started].flatMap((simulator) =>
    simulator.stats.unimplementedMethods.filter((name) => !forgiven.get(simulator)?.includes(name)),
  );
  started.clear();
  expect(missing).toEqual([]);
});
