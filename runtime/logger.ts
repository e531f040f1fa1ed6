import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Fields that never reach a log line, at any of the two depths where they are used. */
const REDACTED = ['password', 'sentinelPassword', 'apiHash', 'session', 'text', 'authKey'];

/** One JSON line an event, on stdout unless told otherwise; `message` is constant, data is in fields. */
export function createLogger(
  service: string,
  level: string,
  destination: DestinationStream = pino.destination(1),
): Logger {
  return pino(
    {
      level,
      base: { service },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED.flatMap((field) => [field, `*.${field}`]), censor: '[REDACTED]' },
    },
    destination,
  );
}
