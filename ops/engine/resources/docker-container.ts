/**
 * `docker:index/container:Container`.
 * Promised: a container is stopped gracefully (its stop signal, `destroyGraceSeconds`) before it is removed; the state knows of it
 * before it exists, so that a killed run leaves nothing unknown; a container of another owner is never touched.
 * What Docker can change in a running container (memory, restart policy) is changed there; any other input replaces it. Limits
 * that were changed by hand are put back.
 * On failure: the container stays for inspection, marked as not ready; the next run replaces it.
 */
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type Docker from 'dockerode';
import { StepError } from '../errors.js';
import { containerRequest, driftOf, endpoint, networksOf, portKey, updateRequest } from './container-request.js';
import { containerSchema, ENGINE_ONLY_KEYS, IN_PLACE_KEYS, type ContainerInputs } from './container-schema.js';
import { waitUntilReady } from './container-wait.js';
import { isMissing, LINEAGE_LABEL, orMissing, statusOf } from './docker-client.js';
import { pullImage } from './docker-image.js';
import { defineHandler, type Applied, type Context, type Stored } from './handler.js';
import { tarOf } from './tar.js';

/** Not changed, already stopped: an answer of the API that is no error. */
const ALREADY = 304;

export const container = defineHandler({
  schema: containerSchema,
  rules: { onChange: 'replace', storeOnlyKeys: ENGINE_ONLY_KEYS, updateKeys: IN_PLACE_KEYS },
  create: async (context, { inputs }) => {
    const name = inputs.name ?? context.autoName;
    await clearName(context, name, inputs);
    // A run that is killed before the id is known has left a container, and the state knows it by its name.
    context.checkpoint(name);
    const made = await make(context, name, inputs);
    context.checkpoint(made.id);
    for (const network of networksOf(inputs).slice(1)) {
      await context.docker.getNetwork(network.name).connect({ Container: made.id, EndpointConfig: endpoint(network) });
    }
    if (inputs.uploads !== undefined && inputs.uploads.length > 0) {
      await made.putArchive(await packUploads(inputs.uploads), { path: '/' });
    }
    if (inputs.start !== false) await made.start();
    await waitUntilReady(context, made, inputs);
    return describe(made, inputs);
  },
  update: async (context, { inputs, previous }) => {
    const changed = context.docker.getContainer(previous?.id ?? '');
    await changed.update(updateRequest(inputs));
    return resume(context, changed, inputs);
  },
  start: async (context, { id, inputs }) => resume(context, context.docker.getContainer(id), inputs),
  remove,
  clear: remove,
  probe: async (context, { id, inputs }) => {
    const found = await orMissing(context.docker.getContainer(id).inspect());
    if (found === undefined) return { there: 'missing' };
    const runs = (found.State.Running && !found.State.Paused) || found.State.Restarting;
    return {
      there: runs || inputs.start === false || inputs.mustRun === false ? 'running' : 'stopped',
      drifted: driftOf(inputs, found.HostConfig),
    };
  },
});

/** Starts it unless it runs, and waits until it is ready. */
async function resume(context: Context, container: Docker.Container, inputs: ContainerInputs): Promise<Applied> {
  const { State } = await container.inspect();
  if (State.Paused) await container.unpause();
  else if (inputs.start !== false)
    await container.start().catch((error: unknown) => {
      if (statusOf(error) !== ALREADY) throw error;
    });
  await waitUntilReady(context, container, inputs);
  return describe(container, inputs);
}

async function make(context: Context, name: string, inputs: ContainerInputs): Promise<Docker.Container> {
  const request = containerRequest(name, inputs, { [LINEAGE_LABEL]: context.lineage });
  try {
    return await context.docker.createContainer(request);
  } catch (error) {
    // As in Pulumi's provider an image named by tag is fetched when it is not there; an id cannot be.
    if (!isMissing(error) || inputs.image.startsWith('sha256:')) throw error;
    await pullImage(context, inputs.image);
    return context.docker.createContainer(request);
  }
}

/** A container of that name is ours when a killed run left it (then it goes), else it belongs to somebody. */
async function clearName(context: Context, name: string, inputs: ContainerInputs): Promise<void> {
  const found = await orMissing(context.docker.getContainer(name).inspect());
  // The API also finds by id prefix; only a true namesake counts.
  if (found?.Name !== `/${name}`) return;
  if (found.Config.Labels[LINEAGE_LABEL] !== context.lineage) {
    throw new StepError(
      `a container named ${name} exists already and is not of this stack (${found.Id.slice(0, 12)}, image ${found.Config.Image})`,
      [],
      'ENGINE_NAME_TAKEN',
    );
  }
  await remove(context, { id: found.Id, inputs, outputs: {} });
}

async function remove(context: Context, { id, inputs }: Stored<ContainerInputs>): Promise<void> {
  const doomed = context.docker.getContainer(id);
  const found = await orMissing(doomed.inspect());
  if (found?.Config.Labels[LINEAGE_LABEL] !== context.lineage) return;
  try {
    const grace = inputs.destroyGraceSeconds ?? 0;
    if (grace > 0) {
      await doomed.stop({ t: grace }).catch((error: unknown) => {
        if (statusOf(error) !== ALREADY) throw error;
      });
    }
    await doomed.remove({ v: inputs.removeVolumes ?? true, force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Files that lie in the container before its process starts; root's unless said otherwise. */
async function packUploads(uploads: NonNullable<ContainerInputs['uploads']>): Promise<Buffer> {
  const files = uploads.map(async (upload) => ({
    name: posix.normalize(upload.file).slice(1),
    kind: 'file' as const,
    mode:
      upload.permissions === undefined
        ? upload.executable === true
          ? 0o744
          : 0o644
        : Number.parseInt(upload.permissions, 8),
    uid: Number(upload.owner ?? '0'),
    gid: Number(upload.group ?? '0'),
    content: await contentOf(upload),
  }));
  return tarOf(await Promise.all(files));
}

async function contentOf(upload: NonNullable<ContainerInputs['uploads']>[number]): Promise<Buffer> {
  if (upload.content !== undefined) return Buffer.from(upload.content, 'utf8');
  if (upload.contentBase64 !== undefined) return Buffer.from(upload.contentBase64, 'base64');
  return readFile(upload.source ?? '');
}

async function describe(made: Docker.Container, inputs: ContainerInputs): Promise<Applied> {
  const found = await made.inspect();
  const networkDatas = Object.entries(found.NetworkSettings.Networks).map(([networkName, data]) => ({
    networkName,
    ipAddress: data.IPAddress,
    ipPrefixLength: data.IPPrefixLen,
    gateway: data.Gateway,
    macAddress: data.MacAddress,
    globalIpv6Address: data.GlobalIPv6Address,
    globalIpv6PrefixLength: data.GlobalIPv6PrefixLen,
    ipv6Gateway: data.IPv6Gateway,
  }));
  // A port without a number of its own got one from Docker.
  const ports = inputs.ports?.map((port) => {
    const bound = found.NetworkSettings.Ports[portKey(port)]?.[0]?.HostPort;
    return {
      ...port,
      external: port.external ?? Number(bound ?? '0'),
      ip: port.ip ?? '0.0.0.0',
      protocol: port.protocol ?? 'tcp',
    };
  });
  return {
    id: found.Id,
    outputs: {
      name: found.Name.slice(1),
      hostname: found.Config.Hostname,
      imageId: found.Image,
      networkDatas,
      ...(ports && { ports }),
    },
  };
}
