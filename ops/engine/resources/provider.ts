import { z } from 'zod';
import { defineHandler } from './handler.js';

/**
 * `pulumi:providers:docker`: only says which daemon. Its id is its name, by which the resources that use it refer to it.
 * Other nested settings arrive as JSON text; the text `null` or `undefined` stands for not set.
 */
export const dockerProvider = defineHandler({
  schema: z.strictObject({ host: z.string().optional(), disableDockerDaemonCheck: z.string().optional() }),
  rules: {
    onChange: 'refuse',
    refusal: 'what was made on the other Docker host would be left behind: run `npm run destroy` first',
  },
  create: (context, { inputs }) => Promise.resolve({ id: context.name, outputs: { host: inputs.host } }),
});

/** Providers that have nothing to say. */
export const plainProvider = defineHandler({
  schema: z.strictObject({}),
  rules: { onChange: 'update' },
  create: (context) => Promise.resolve({ id: context.name, outputs: {} }),
});
