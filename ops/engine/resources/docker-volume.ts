import { z } from 'zod';
import { StepError } from '../errors.js';
import { isMissing, orMissing } from './docker-client.js';
import { defineHandler } from './handler.js';

const schema = z.strictObject({
  name: z.string().optional(),
  driver: z.string().optional(),
  driverOpts: z.record(z.string(), z.string()).optional(),
  labels: z.array(z.strictObject({ label: z.string(), value: z.string() })).optional(),
});

/**
 * `docker:index/volume:Volume`. Promised: its data is never lost by a change. An existing volume of that name is taken
 * over as it is: that is how the data of a retained volume comes back. One that carries another owner's label by now (an old
 * state, a name used again) is left alone.
 */
export const volume = defineHandler({
  schema,
  rules: {
    onChange: 'refuse',
    refusal: 'a changed volume would have to be replaced, and its data would be lost',
  },
  create: async (context, { inputs }) => {
    const name = inputs.name ?? context.autoName;
    const existing = await orMissing(context.docker.getVolume(name).inspect());
    if (existing !== undefined) {
      if (existing.Driver !== (inputs.driver ?? 'local')) {
        throw new StepError(`volume ${name} exists already, with driver ${existing.Driver}`, [], 'ENGINE_NAME_TAKEN');
      }
      context.line(`volume ${name} exists already: its data is kept`);
    } else {
      context.checkpoint(name);
      await context.docker.createVolume({
        Name: name,
        Driver: inputs.driver ?? 'local',
        DriverOpts: inputs.driverOpts ?? {},
        Labels: Object.fromEntries((inputs.labels ?? []).map(({ label, value }) => [label, value])),
      });
    }
    const found = await context.docker.getVolume(name).inspect();
    return { id: name, outputs: { name, driver: found.Driver, mountpoint: found.Mountpoint } };
  },
  remove: async (context, { id, inputs }) => {
    try {
      const { Labels } = (await context.docker.getVolume(id).inspect()) as { Labels: Record<string, string> | null };
      const foreign = inputs.labels?.some(({ label, value }) => (Labels?.[label] ?? value) !== value);
      if (foreign === true) {
        context.line(`volume ${id} belongs to somebody else by now: it is left alone`);
        return;
      }
      await context.docker.getVolume(id).remove();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  },
  probe: async (context, { id }) => {
    const found = await orMissing(context.docker.getVolume(id).inspect());
    return { there: found === undefined ? 'missing' : 'running' };
  },
});
