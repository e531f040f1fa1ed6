import { jest } from '@jest/globals';

/**
 * Real services on a busy machine are late now and then: a test of theirs may be run a second time. It is named in the summary of
 * `npm test`, with its first error in the log, so that nobody can grow used to it.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true });
