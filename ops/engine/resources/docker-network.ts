import { z } from 'zod';
import { StepError } from '../errors.js';
import { isMissing, LINEAGE_LABEL, orMissing } from './docker-client.js';
import { defineHandler, type Applied, type Context, type Stored } from './handler.js';

const labels = z.array(z.strictObject({ label: z.string(), value: z.string() }));

const schema = z.strictObject({
  name: z.string().optional(),
  driver: z.string().optional(),
  internal: z.boolean().optional(),
  attachable: z.boolean().optional(),
  ipv6: z.boolean().optional(),
  options: z.record(z.string(), z.string()).optional(),
  labels: labels.optional(),
  ipamDriver: z.string().optional(),
  ipamOptions: z.record(z.string(), z.string()).optional(),
  ipamConfigs: z
    .array(
      z.strictObject({
        subnet: z.string().optional(),
        gateway: z.string().optional(),
        ipRange: z.string().optional(),
        auxAddress: z.record(z.string(), z.string()).optional(),
      }),
    )
    .optional(),
});

type Inputs = z.output<typeof schema>;

/** `docker:index/network:Network`. Its users would lose their connection, so a used one is never replaced. */
export const network = defineHandler({
  schema,
  rules: {
    onChange: 'replaceIfUnused',
    refusal: 'a network that containers use is not replaced: run `npm run destroy` first',
  },
  create: async (context, { inputs }) => {
    const name = inputs.name ?? context.autoName;
    await refuseForeign(context, name);
    // A run that is killed right after the next line has left a network, and the state knows it by its name.
    context.checkpoint(name);
    const { id } = await context.docker.createNetwork(request(name, inputs, context.lineage));
    return describe(context, id);
  },
  remove,
  clear: remove,
  probe: async (context, { id }) => {
    const found = await orMissing(context.docker.getNetwork(id).inspect() as Promise<Inspected>);
    if (found === undefined) return { there: 'missing' };
    return { there: 'running', users: Object.values(found.Containers ?? {}).map((user) => user.Name) };
  },
});

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Scope: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Containers?: Readonly<Record<string, { readonly Name: string }>> | null;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string; readonly Gateway?: string }[] | null };
}

/** A network of that name is ours when a killed run left it (then it goes), else it belongs to somebody. */
async function refuseForeign(context: Context, name: string): Promise<void> {
  const all = (await context.docker.listNetworks({ filters: { name: [name] } })) as unknown as readonly Inspected[];
  for (const found of all.filter((candidate) => candidate.Name === name)) {
    if (found.Labels?.[LINEAGE_LABEL] !== context.lineage) {
      throw new StepError(`a network named ${name} exists already and is not of this stack`, [], 'ENGINE_NAME_TAKEN');
    }
    await context.docker.getNetwork(found.Id).remove();
  }
}

function request(name: string, inputs: Inputs, lineage: string) {
  const own = Object.fromEntries((inputs.labels ?? []).map(({ label, value }) => [label, value]));
  return {
    Name: name,
    CheckDuplicate: true,
    Driver: inputs.driver ?? 'bridge',
    Internal: inputs.internal ?? false,
    Attachable: inputs.attachable ?? false,
    EnableIPv6: inputs.ipv6 ?? false,
    Options: inputs.options ?? {},
    Labels: { ...own, [LINEAGE_LABEL]: lineage },
    IPAM: {
      Driver: inputs.ipamDriver ?? 'default',
      Options: inputs.ipamOptions ?? {},
      Config: (inputs.ipamConfigs ?? []).map((config) => ({
        ...(config.subnet !== undefined && { Subnet: config.subnet }),
        ...(config.gateway !== undefined && { Gateway: config.gateway }),
        ...(config.ipRange !== undefined && { IPRange: config.ipRange }),
        ...(config.auxAddress !== undefined && { AuxiliaryAddresses: config.auxAddress }),
      })),
    },
  };
}

async function describe(context: Context, id: string): Promise<Applied> {
  const found = (await context.docker.getNetwork(id).inspect()) as Inspected;
  const ipamConfigs = (found.IPAM?.Config ?? []).map(({ Subnet, Gateway }) => ({ subnet: Subnet, gateway: Gateway }));
  return { id, outputs: { name: found.Name, driver: found.Driver, scope: found.Scope, ipamConfigs } };
}

async function remove(context: Context, { id }: Stored<Inputs>): Promise<void> {
  const doomed = context.docker.getNetwork(id);
  const found = await orMissing(doomed.inspect() as Promise<Inspected>);
  if (found?.Labels?.[LINEAGE_LABEL] !== context.lineage) return;
  try {
    await doomed.remove();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
