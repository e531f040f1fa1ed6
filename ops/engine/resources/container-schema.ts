import { z } from 'zod';
import { nanoseconds } from './duration.js';

const text = z.string().optional();
const whole = z.number().int().optional();
const flag = z.boolean().optional();
const texts = z.array(z.string()).optional();
const map = z.record(z.string(), z.string()).optional();
const duration = z
  .string()
  .refine((value) => nanoseconds(value) !== undefined, 'expected a duration such as "30s"')
  .optional();

const port = z.strictObject({ internal: z.number().int(), external: whole, ip: text, protocol: text });

const upload = z
  .strictObject({
    file: z.string().startsWith('/', 'expected an absolute path'),
    content: text,
    contentBase64: text,
    source: text,
    sourceHash: text,
    executable: flag,
    permissions: z
      .string()
      .regex(/^[0-7]{3,4}$/, 'expected octal permissions such as "0640"')
      .optional(),
    /** Numeric: names would be looked up on the machine that runs the engine, which is never what is meant. */
    owner: z.string().regex(/^\d+$/, 'expected a numeric id').optional(),
    group: z.string().regex(/^\d+$/, 'expected a numeric id').optional(),
  })
  .refine(({ content, contentBase64, source }) => [content, contentBase64, source].filter(Boolean).length === 1, {
    message: 'expected exactly one of content, contentBase64 and source, not empty',
  });

const mount = z.strictObject({
  type: z.enum(['bind', 'volume', 'tmpfs']),
  target: z.string(),
  source: text,
  readOnly: flag,
  bindOptions: z.strictObject({ propagation: text }).optional(),
  volumeOptions: z.strictObject({ noCopy: flag }).optional(),
  tmpfsOptions: z.strictObject({ mode: whole, sizeBytes: whole }).optional(),
});

/** The inputs of `docker:index/container:Container` that this engine implements. */
export const containerSchema = z.strictObject({
  name: text,
  image: z.string(),
  command: texts,
  entrypoints: texts,
  envs: texts,
  user: text,
  workingDir: text,
  hostname: text,
  domainname: text,
  labels: z.array(z.strictObject({ label: z.string(), value: z.string() })).optional(),
  networkMode: text,
  networksAdvanced: z
    .array(z.strictObject({ name: z.string(), aliases: texts, ipv4Address: text, ipv6Address: text }))
    .optional(),
  ports: z.array(port).optional(),
  publishAllPorts: flag,
  dns: texts,
  dnsOpts: texts,
  dnsSearches: texts,
  hosts: z.array(z.strictObject({ host: z.string(), ip: z.string() })).optional(),
  volumes: z
    .array(
      z.strictObject({ volumeName: text, hostPath: text, containerPath: text, fromContainer: text, readOnly: flag }),
    )
    .optional(),
  mounts: z.array(mount).optional(),
  uploads: z.array(upload).optional(),
  tmpfs: map,
  /** Megabytes, as are the two below; -1 as swap means no limit. */
  memory: whole,
  memorySwap: whole,
  memoryReservation: whole,
  cpus: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'expected a number of CPUs such as "1.5"')
    .optional(),
  cpuShares: whole,
  cpuPeriod: whole,
  cpuQuota: whole,
  cpuSet: text,
  shmSize: whole,
  ulimits: z.array(z.strictObject({ name: z.string(), soft: z.number(), hard: z.number() })).optional(),
  sysctls: map,
  healthcheck: z
    .strictObject({
      tests: z.array(z.string()),
      interval: duration,
      timeout: duration,
      startPeriod: duration,
      startInterval: duration,
      retries: whole,
    })
    .optional(),
  wait: flag,
  /** Seconds. */
  waitTimeout: whole,
  start: flag,
  mustRun: flag,
  restart: text,
  maxRetryCount: whole,
  stopSignal: text,
  /** Seconds, as is the grace on removal. */
  stopTimeout: whole,
  destroyGraceSeconds: whole,
  removeVolumes: flag,
  logDriver: text,
  logOpts: map,
  capabilities: z.strictObject({ adds: texts, drops: texts }).optional(),
  securityOpts: texts,
  groupAdds: texts,
  devices: z.array(z.strictObject({ hostPath: z.string(), containerPath: text, permissions: text })).optional(),
  privileged: flag,
  readOnly: flag,
  init: flag,
  tty: flag,
  stdinOpen: flag,
  runtime: text,
  cgroupParent: text,
  cgroupnsMode: text,
  ipcMode: text,
  pidMode: text,
  usernsMode: text,
});

export type ContainerInputs = z.output<typeof containerSchema>;

/** Read by the engine alone; a change of one of them is no reason to touch the container. */
export const ENGINE_ONLY_KEYS = [
  'wait',
  'waitTimeout',
  'start',
  'mustRun',
  'destroyGraceSeconds',
  'removeVolumes',
] as const;

/** What Docker changes in a running container, as Pulumi's provider uses it; a change of anything else replaces the container. */
export const IN_PLACE_KEYS = [
  'restart',
  'maxRetryCount',
  'memory',
  'memorySwap',
  'memoryReservation',
  'cpuShares',
  'cpuSet',
] as const;
