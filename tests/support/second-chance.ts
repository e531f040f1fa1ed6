import { jest } from '@jest/globals';

/**
 * What answers over a socket is late now and then on a busy machine: such a test may be run a second time, at once, before those
 * that follow from it. It is named in the summary of `npm test`, with its first error in the log, so that nobody can grow used to it.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
