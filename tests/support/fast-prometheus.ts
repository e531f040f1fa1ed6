import { parse, stringify } from 'yaml';
import { inlineFiles } from '../../components/inline-files.js';
import { Prometheus, settled } from './prometheus.js';
import { docker, inside, inspect, TEST_PREFIX } from './test-stack.js';

/** How much faster its rules are: every range and every wait is that much shorter. */
export const PACE = 10;
/** Label that tells its alerts from those of the stack's own Prometheus, and from those of an earlier run. */
export const RUN = String(Date.now());
const NAMES = {
  fast: `${TEST_PREFIX}fast-telegram-prometheus`,
  small: `${TEST_PREFIX}small-telegram-prometheus`,
} as const;
const PORT = '9090';
const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Pages that cost more than the others; what they say is not what the faults are about. */
const SLOWLY = ['postgres', 'simulator', 'prometheus'];

interface Job {
  readonly job_name: string;
}
interface Configuration {
  readonly global: { readonly external_labels: object };
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly Job[];
}

/** Rules whose ranges, waits and intervals are a tenth; thresholds stay as they are. */
export function hurried(rules: string): string {
  const shorter = (amount: string, unit: string) => `${String((Number(amount) * MS[unit as 's']) / PACE)}ms`;
  return rules
    .replace(/\[(\d+)([smhd])\]/g, (_, amount: string, unit: string) => `[${shorter(amount, unit)}]`)
    .replace(
      /^(\s*(?:- )?(?:for|interval): )(\d+)([smhd])$/gm,
      (_, key: string, amount: string, unit: string) => key + shorter(amount, unit),
    );
}

function configuration(text: string): { readonly yml: string; readonly ruleFiles: readonly string[] } {
  const live = parse(text) as Configuration;
  const labels = { ...live.global.external_labels, run: RUN };
  const yml = stringify({
    ...live,
    global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s', external_labels: labels },
    scrape_configs: live.scrape_configs.map((job) => ({
      ...job,
      ...(SLOWLY.includes(job.job_name) && { scrape_interval: '5s', scrape_timeout: '5s' }),
    })),
  });
  return { yml, ruleFiles: live.rule_files };
}

/**
 * A second Prometheus beside the stack's own, with the configuration and the rules that this one runs on, only faster: an
 * alert that takes minutes to fire then takes seconds. It tells the same Alertmanager.
 */
export async function startFastPrometheus(): Promise<Prometheus> {
  const { yml, ruleFiles } = configuration(await read('/etc/prometheus/prometheus.yml'));
  const prometheus = await run(NAMES.fast, yml, ruleFiles, 'rw,mode=0777');
  const down = async () =>
    Object.entries(await prometheus.targets().catch(() => ({ 'no answer': 'yet' }))).filter(
      ([, error]) => error !== '',
    );
  const left = await settled(down, (targets) => targets.length === 0);
  if (left.length > 0) throw new Error(`targets of the fast Prometheus: ${JSON.stringify(left)}`);
  return prometheus;
}

/** One that watches itself alone, as fast, by the rules about Prometheus, on a disk of 9 MB that `fillDisk` fills. */
export async function startSmallPrometheus(): Promise<Prometheus> {
  const ruleFile = '/etc/prometheus/rules/host.yml';
  const yml = stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [ruleFile],
    scrape_configs: [{ job_name: 'prometheus', static_configs: [{ targets: [`127.0.0.1:${PORT}`] }] }],
  });
  const prometheus = await run(NAMES.small, yml, [ruleFile], 'rw,mode=0777,size=9m');
  const samples = () => prometheus.value('count_over_time(prometheus_build_info[1m])').catch(() => null);
  const seen = await settled(samples, (count) => (count ?? 0) > 3);
  if (seen === null) throw new Error('the small Prometheus keeps no samples');
  return prometheus;
}

export const fillDisk = () => docker('exec', NAMES.small, 'sh', '-c', 'cat /dev/zero >/data/full 2>/dev/null || true');
export const emptyDisk = () => docker('exec', NAMES.small, 'rm', '-f', '/data/full');

export async function stopPrometheus(which: keyof typeof NAMES): Promise<void> {
  await docker('rm', '-f', NAMES[which]).catch(() => undefined);
}

const read = (path: string) => inside('prometheus', 'cat', path);

/** A container of the stack's own image with these files and its rules made faster; `data` are the options of its tmpfs. */
async function run(name: string, yml: string, ruleFiles: readonly string[], data: string): Promise<Prometheus> {
  await docker('rm', '-f', name).catch(() => undefined);
  const rules = await Promise.all(ruleFiles.map(async (path) => ({ path, content: `${hurried(await read(path))}\n` })));
  const files = [{ path: '/etc/prometheus/prometheus.yml', content: yml }, ...rules];
  const made = inlineFiles(files, ['prometheus', '--config.file=/etc/prometheus/prometheus.yml'], '65534:65534');
  if (!made) throw new Error('a Prometheus without files');
  const { Image } = await inspect('prometheus');
  const [entrypoint = '', ...words] = [...made.entrypoint, ...made.command];
  const tmpfs = Object.entries({ ...made.tmpfs, '/data': data }).flatMap(([path, options]) => [
    '--tmpfs',
    `${path}:${options}`,
  ]);
  await docker(
    ...['run', '-d', '--name', name, '--network', `${TEST_PREFIX}telegram-network`, '-p', `127.0.0.1::${PORT}`],
    ...['--memory', '384m', ...tmpfs, '--entrypoint', entrypoint, Image, ...words, '--storage.tsdb.path=/data'],
  );
  const address = (await docker('port', name, PORT)).split('\n')[0] ?? '';
  return new Prometheus(`http://${address}`);
}
