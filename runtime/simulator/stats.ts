import { Counter, Gauge, Registry } from 'prom-client';

/** What a simulator counts, for its control API and as metrics; each simulator has a registry of its own. */
export class Stats {
  readonly registry = new Registry();
  readonly #calls = new Map<string, number>();
  readonly #unimplemented = new Map<string, number>();
  readonly #registers = { registers: [this.registry] };

  readonly connections = new Gauge({
    name: 'telegram_simulator_connections',
    help: 'Open client connections.',
    ...this.#registers,
  });
  readonly events = new Counter({
    name: 'telegram_simulator_events_total',
    help: 'Changes of the simulated world.',
    labelNames: ['type'],
    ...this.#registers,
  });
  readonly pushes = new Counter({
    name: 'telegram_simulator_pushes_total',
    help: 'Updates containers written to clients.',
    ...this.#registers,
  });
  readonly generated = new Counter({
    name: 'telegram_simulator_generated_total',
    help: 'Posts made by the message generator.',
    ...this.#registers,
  });
  readonly #callCounter = new Counter({
    name: 'telegram_simulator_calls_total',
    help: 'Client calls by method.',
    labelNames: ['method'],
    ...this.#registers,
  });
  readonly #unimplementedCounter = new Counter({
    name: 'telegram_simulator_unimplemented_total',
    help: 'Client calls of methods that the simulator does not have.',
    labelNames: ['method'],
    ...this.#registers,
  });
  /** Counters that only the control API shows. */
  accepted = 0;
  handshakes = 0;
  acknowledged = 0;
  pushed = 0;
  generatedPosts = 0;
  brokenConnections = 0;
  /** Packets to the control port that were no request. */
  badRequests = 0;
  /** Packets that were read while the simulator was mute. */
  unanswered = 0;

  call(method: string): void {
    this.#calls.set(method, (this.#calls.get(method) ?? 0) + 1);
    this.#callCounter.inc({ method });
  }

  unimplemented(method: string): void {
    this.#unimplemented.set(method, (this.#unimplemented.get(method) ?? 0) + 1);
    this.#unimplementedCounter.inc({ method });
  }

  push(): void {
    this.pushed++;
    this.pushes.inc();
  }

  generatedOne(): void {
    this.generatedPosts++;
    this.generated.inc();
  }

  get calls(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#calls);
  }

  /** Names of methods that were called and do not exist: a test fails on any. */
  get unimplementedMethods(): readonly string[] {
    return [...this.#unimplemented.keys()].sort();
  }
}
