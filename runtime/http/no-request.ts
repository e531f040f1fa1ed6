import type { ConnectionError } from 'fastify';
import type { Socket } from 'node:net';
import type { Logger } from '../logger.js';

/**
 * Fastify's `clientErrorHandler` for bytes that are no HTTP request: counted, logged by the parser's code (the bytes themselves
 * are a stranger's and stay out of the log), answered with 400 and hung up on.
 */
export function refuseNoRequest(logger: Logger, count: () => void): (error: ConnectionError, socket: Socket) => void {
  return ({ code }, socket) => {
    count();
    logger.warn({ code }, 'no HTTP request');
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  };
}
