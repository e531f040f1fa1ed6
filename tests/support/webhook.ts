import { createServer } from 'node:http';
import { WEBHOOK_PORT } from './test-stack.js';

interface Told {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Receives what the Alertmanager of the test stack posts. */
export class Webhook {
  readonly #alerts: Told[] = [];
  readonly #server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      this.#alerts.push(...(JSON.parse(text) as { alerts: Told[] }).alerts);
      response.end();
    });
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(WEBHOOK_PORT, '0.0.0.0', resolve);
    });
  }

  /** The first that it was told of an alert of this run in this state. */
  find(name: string, run: string, wanted: Told['status']): Told | undefined {
    return this.#alerts.find(
      ({ status, labels }) => status === wanted && labels['alertname'] === name && labels['run'] === run,
    );
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}
