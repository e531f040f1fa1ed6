import { createLogger, type Logger } from '../../runtime/logger.js';

/** A logger whose messages can be looked at. */
export function hearing(): { readonly logger: Logger; readonly said: string[] } {
  const said: string[] = [];
  const write = (line: string) => void said.push((JSON.parse(line) as { message: string }).message);
  return { logger: createLogger('test', 'debug', { write }), said };
}
