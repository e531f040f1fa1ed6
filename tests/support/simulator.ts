import { afterEach, expect } from '@jest/globals';
import * as simulated from '../../runtime/simulator/simulator.js';

const started = new Set<simulated.Simulator>();
const forgiven = new WeakMap<simulated.Simulator, readonly string[]>();
const ALL = '*';

/** As the original, and watched: a test during which a client called a method that the simulator lacks fails. */
export async function startSimulator(options: simulated.SimulatorOptions = {}): Promise<simulated.Simulator> {
  const simulator = await simulated.startSimulator(options);
  started.add(simulator);
  return simulator;
}

/** For a test that calls what does not exist on purpose; without names, anything. */
export function forgive(simulator: simulated.Simulator, ...methods: readonly string[]): void {
  forgiven.set(simulator, methods.length === 0 ? [ALL] : methods);
}

afterEach(() => {
  const missing = [...started].flatMap((simulator) => {
    const allowed = forgiven.get(simulator) ?? [];
    return simulator.stats.unimplementedMethods.filter((name) => !allowed.includes(ALL) && !allowed.includes(name));
  });
  started.clear();
  expect(missing).toEqual([]);
});
