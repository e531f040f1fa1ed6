/** Keys of a stack file whose engines are all somebody else's, at addresses that nobody connects to. */
export const OUTSIDE_ENGINES = {
  timescale: { kind: 'external', host: 'db.example.org', adminPassword: 'one' },
  redis: { kind: 'external', sentinels: [{ host: 'one.example.org' }], password: 'one' },
  rabbitmq: { kind: 'external', host: 'mq.example.org', user: 'one', password: 'one' },
} as const;
