import { connection } from './test-stack.js';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A call of the simulator's control API (docs/simulator.md); rejects unless it is answered with success. */
export async function control<T = unknown>(method: Method, path: string, body?: object): Promise<T> {
  const { host, port } = connection('simulator-control');
  const response = await fetch(`http://${host}:${String(port)}${path}`, {
    method,
    signal: AbortSignal.timeout(120_000),
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Injects a fault for as long as `work` takes; what it held back is released then. */
export async function during(fault: object, work: () => Promise<void>): Promise<void> {
  const { id } = await control<{ id: number }>('POST', '/faults', fault);
  try {
    await work();
  } finally {
    await control('DELETE', `/faults/${String(id)}`);
  }
}

/** One figure of a process of the stack; of a metric with labels the sum. */
export async function figure(service: 'gateway' | 'consumer', name: string): Promise<number> {
  const { host, port } = connection(service);
  const response = await fetch(`http://${host}:${String(port)}/metrics`, { signal: AbortSignal.timeout(10_000) });
  const values = (await response.text()).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'));
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
}
