import { describe, expect, it } from '@jest/globals';
import { guideBlocks, runBlocks } from '../support/guides.js';
import { smoke } from '../support/test-stack.js';

describe('the commands of the guides', () => {
  it.each(guideBlocks())(
    '%s: each works as it is written, and answers',
    (_, blocks) => {
      smoke(20);
      const { code, outputs } = runBlocks(blocks);
      expect({ code, last: outputs.at(-1) }).toMatchObject({ code: 0 });
      expect(outputs).toHaveLength(blocks.length);
      expect(outputs.filter((output) => output.trim() === '')).toEqual([]);
    },
    300_000,
  );
});
