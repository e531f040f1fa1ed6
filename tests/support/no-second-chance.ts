import { jest } from '@jest/globals';

/** For tests of which one failure in a hundred runs is a finding: no second try turns it green. */
export const noSecondChance = () => jest.retryTimes(0);
