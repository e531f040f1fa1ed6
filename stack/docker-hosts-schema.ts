import { z } from 'zod';
import { isPrivate } from './private-address.js';

/** What connections between Docker hosts have no TLS for. */
const WHY_PRIVATE =
  'expected a private IPv4 address (10/8, 172.16/12, 192.168/16, 100.64/10): connections between Docker hosts carry no TLS; use a private network or WireGuard';

const dockerHost = z.strictObject({
  host: z
    .string()
    .regex(/^(ssh|unix|tcp):\/\/./, 'expected ssh://…, unix://… or tcp://…')
    .describe('Its Docker engine, for example ssh://deploy@10.0.0.12. A change needs `destroy` first.'),
  address: z
    .string()
    .refine(isPrivate, WHY_PRIVATE)
    .describe(
      'Private IPv4 address of that machine: its published ports bind to it, and all others reach them there. Replaces the containers there.',
    ),
  subnet: z
    .string()
    .regex(/^\d+\.\d+\.\d+\.0\/24$/, 'expected a /24 such as 172.28.41.0/24')
    .describe("Subnet of the stack's network there. A change needs `destroy` first."),
});

/** Further Docker hosts, by the name that `on` takes. */
export const dockerHosts = z
  .record(z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'expected lower-case letters, digits and dashes'), dockerHost)
  .default({})
  .describe('Further Docker hosts, by name: parts with `on: <name>` stand there, everything else on `docker.host`.');

/** Where a part of the stack stands. */
export const on = z
  .string()
  .default('')
  .describe(
    'Further Docker host that it stands on, by its name in `dockerHosts`; empty is `docker.host`. A change needs `destroy` first.',
  );
