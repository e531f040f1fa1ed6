import { DEFAULT_GROUP, VHOST, groupQueue } from '../../runtime/contract.js';
import { Failing, type Check } from './check.js';
import { restart } from './fix.js';
import { answerOf } from './http.js';

/** The group's queue is there and somebody consumes it. */
export const rabbitmq: Check = {
  name: 'rabbitmq',
  fix: 'npm run up',
  run: async (stack) => {
    const address = stack.outputs.services['rabbitmq-metrics'];
    if (!address) return 'switched off or external';
    // The broker counts for Prometheus only: its management interface knows no consumers.
    const families = 'family=queue_consumer_count&family=queue_coarse_metrics';
    const url = `http://${address.host}:${String(address.port)}/metrics/detailed?${families}&vhost=${VHOST}`;
    const response = await answerOf(url, 'npm run up');
    if (!response.ok) throw new Failing(`the metrics answer ${String(response.status)}`, restart(stack, 'rabbitmq'));
    const lines = (await response.text()).split('\n');
    const queue = groupQueue(DEFAULT_GROUP);
    const value = (name: string) =>
      Number(lines.find((line) => line.startsWith(`${name}{`) && line.includes(`queue="${queue}"`))?.split(' ')[1]);
    const consumers = value('rabbitmq_detailed_queue_consumers');
    const messages = value('rabbitmq_detailed_queue_messages');
    // A queue that was deleted keeps its count of consumers for a minute. The broker declares its topology when it starts.
    if (Number.isNaN(consumers) || Number.isNaN(messages))
      throw new Failing(`there is no queue ${queue}`, restart(stack, 'rabbitmq'));
    if (consumers === 0)
      throw new Failing(`nobody consumes ${queue}`, `npm run up; if it stays so: ${restart(stack, 'consumer')}`);
    return `${queue}: ${String(messages)} messages, ${String(consumers)} consumer(s)`;
  },
};
