import { afterEach, beforeEach } from '@jest/globals';
import { createLogger } from '../../../runtime/logger.js';
import { login, type LoginOptions } from '../../../runtime/login/flow.js';
import type { Talk } from '../../../runtime/login/talk.js';
import { RuntimeError } from '../../../runtime/errors.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { GramjsLogin } from '../../../runtime/telegram/gramjs/login.js';
import { startSimulator } from '../../support/simulator.js';
import { trust } from '../simulator/support/client.js';

/** Answers from a list; everything that was asked, said and drawn. */
export class ScriptedTalk implements Talk {
  readonly asked: string[] = [];
  readonly said: string[] = [];
  drawn: readonly string[] = [];

  constructor(
    private readonly answers: string[],
    readonly interactive = true,
  ) {}

  ask(question: string): Promise<string> {
    this.asked.push(question);
    const answer = this.answers.shift();
    return answer === undefined
      ? Promise.reject(new RuntimeError('LOGIN_INPUT', `no answer to "${question}"`))
      : Promise.resolve(answer);
  }

  askSecret(question: string): Promise<string> {
    return this.ask(question);
  }

  say(text: string): void {
    this.said.push(text);
  }

  draw(lines: readonly string[]): void {
    this.drawn = lines;
  }
}

/** A simulator, and logins at it that are closed at the end of each test. */
export class LoginBench {
  simulator!: Simulator;
  readonly #ports: GramjsLogin[] = [];

  constructor() {
    beforeEach(async () => {
      this.simulator = await startSimulator({ channels: 1 });
      trust(this.simulator.publicKey);
    });
    afterEach(async () => {
      for (const port of this.#ports.splice(0)) await port.close();
      await this.simulator.close();
    });
  }

  async port(session = ''): Promise<GramjsLogin> {
    const port = new GramjsLogin({
      apiId: 1,
      apiHash: 'simulator',
      session,
      endpoint: { host: '127.0.0.1', port: this.simulator.mtprotoPort },
      logger: createLogger('test', 'silent'),
    });
    this.#ports.push(port);
    await port.connect(60_000);
    return port;
  }

  async login(talk: Talk, options: Partial<LoginOptions> = {}) {
    const port = await this.port();
    const signal = AbortSignal.timeout(100_000);
    const self = await login(port, talk, { phone: null, qr: false, signal, ...options });
    return { self, port };
  }
}

export const PHONES = { reader: '99966000777', second: '+999 66 000778' };
