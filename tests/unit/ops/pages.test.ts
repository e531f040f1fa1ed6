import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { kindsOf } from '../../../bench/chaos/troubles.js';
import { SUBJECTS } from '../../../monitoring/catalogue.js';
import { RULES } from '../../../monitoring/index.js';
import { alertsOf } from '../../../monitoring/rules/rule.js';
import { checksOf } from '../../../ops/doctor/index.js';
import { ENGINE_ERRORS } from '../../../ops/engine/errors.js';
import { ROOT } from '../../../ops/stack-folder.js';
import { RUNTIME_ERRORS } from '../../../runtime/errors.js';
import { STACK_ERRORS } from '../../../stack/errors.js';
import { stackFile } from '../../support/stack-file.js';

const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const pages = ['.', 'docs', 'docs/guides', 'docs/diagrams'].flatMap((folder) =>
  existsSync(join(ROOT, folder))
    ? readdirSync(join(ROOT, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name))
    : [],
);

/** As a heading is linked to on the pages of a repository. */
const anchorOf = (heading: string) =>
  heading
    .replaceAll('`', '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '');
const anchorsIn = (page: string) =>
  [...withoutCode(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** Links of a page that lead nowhere: to a file that is not there, or a heading that no page has. */
function dead(page: string): string[] {
  return [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const there = file === '' ? page : relative(ROOT, join(ROOT, dirname(page), file));
      if (!existsSync(join(ROOT, there))) return true;
      return anchor !== undefined && !anchorsIn(there).includes(anchor);
    });
}

describe('the pages', () => {
  it.each(pages)('%s: every link leads to a file and a heading that are there', (page) => {
    expect(dead(page)).toEqual([]);
  });
});

describe('docs/diagrams.md', () => {
  it('part 7 shows the sizes and ports that a production stack has', () => {
    const { timescale, pgbouncer, redis, rabbitmq, api, consumer } = stackFile('Pulumi.prod.yaml') as Record<
      string,
      Record<string, number>
    >;
    const size = ({ cpus, memoryMb }: Record<string, number> = {}) => `${String(cpus)} CPU, ${String(memoryMb)} MB`;
    const page = read('docs/diagrams.md');
    for (const label of [
      `TimescaleDB :${String(timescale?.['port'])}<br>${size(timescale)}`,
      `PgBouncer :${String(pgbouncer?.['port'])}<br>${size(pgbouncer)}<br>${String(pgbouncer?.['maxServerConnections'])} server connections`,
      `Redis master :${String(redis?.['masterPort'])}<br>${size(redis)}`,
      `Redis replica :${String(redis?.['replicaPort'])}<br>${size(redis)}`,
      `${String(redis?.['sentinels'])} Sentinels :${String(redis?.['sentinelPort'])} upwards<br>${String(redis?.['sentinelMemoryMb'])} MB each`,
      `RabbitMQ :${String(rabbitmq?.['port'])}<br>${size(rabbitmq)}`,
      `gateway API :${String(api?.['port'])}<br>${size(api)}`,
      `consumer :${String(consumer?.['port'])}<br>${size(consumer)}`,
    ])
      expect(page).toContain(label);
  });
});

describe('what the pages say of chaos', () => {
  it('N8 part 7 counts the kinds of trouble that there are', () => {
    const said = (page: string) => read(page).replace(/\s+/g, ' ');
    const all = `${String(kindsOf('all').length)} kinds of trouble`;
    expect(said('README.md')).toContain(` ${all}`);
    expect(said('docs/guarantees.md')).toContain(` ${all}`);
    expect(said('README.md')).toContain(`(${String(kindsOf('telegram').length)} kinds of faults, SIGKILL among them,`);
  });
});

describe('docs/guides/README.md', () => {
  it('part 7 lists every guide, and the tests that run its commands are there', () => {
    const index = read('docs/guides/README.md');
    const listed = [...index.matchAll(/^\| \[.+?\]\((.+?)\) /gm)].map(([, file]) => file);
    const guides = readdirSync(join(ROOT, 'docs/guides')).filter((name) => name !== 'README.md');
    expect(listed.sort()).toEqual(guides.sort());
    const tests = [...index.matchAll(/`(tests\/\S+)`/g)].map(([, file = '']) => file);
    expect(tests.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });
});

describe('docs/guides/troubleshooting.md begins with what one sees', () => {
  const guide = read('docs/guides/troubleshooting.md');
  const section = (heading: string) => guide.split(`\n## ${heading}\n`)[1]?.split(/^## /m)[0] ?? '';

  it('M10-M11 every alert leads somewhere', () => {
    const named = section('An alert fired');
    const alerts = SUBJECTS.flatMap((subject) => alertsOf(RULES[subject]).map(({ alert }) => alert));
    expect(alerts.filter((alert) => !named.includes(`[${alert}](monitoring.md#${alert.toLowerCase()})`))).toEqual([]);
  });

  it('O4 every line of the doctor leads somewhere', () => {
    const named = section('A line of the doctor is red');
    expect([...named.matchAll(/^\| _(.+?)_ /gm)].map(([, name]) => name)).toEqual(checksOf(0).map(({ name }) => name));
  });

  it('R12 every error code leads somewhere, by itself or with those that begin alike', () => {
    const named = [...section('A command ended with an error code').matchAll(/`([A-Z_]+)(…?)`/g)];
    const leads = (code: string) =>
      named.some(([, name = '', more]) => (more === '' ? code === name : code.startsWith(name)));
    const codes = [STACK_ERRORS, ENGINE_ERRORS, RUNTIME_ERRORS].flatMap((table) => Object.keys(table));
    expect(codes.filter((code) => !leads(code))).toEqual([]);
  });
});
