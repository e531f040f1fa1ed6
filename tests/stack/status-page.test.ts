import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page, type SerializedAXNode } from 'puppeteer-core';
import { ROOT } from '../../ops/stack-folder.js';
import { waitFor } from '../support/services.js';
import { connection, flawless, smoke } from '../support/test-stack.js';

const MINUTE = 60_000;
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const WIDTHS = { phone: 360, desktop: 1_280 } as const;
const PICTURES = join(ROOT, '.stack', 'reports');

const there = existsSync(CHROMIUM);
if (!there)
  process.stderr.write(
    `    R9 the status page was not opened: there is no browser at ${CHROMIUM} (apt-get install chromium)\n`,
  );

function address(): string {
  const { host, port } = connection('api');
  return `http://${host}:${String(port)}`;
}

/** Role and name of everything that a reader of screens finds. */
function namesIn(node: SerializedAXNode | null): string[] {
  if (!node) return [];
  return [`${node.role} ${node.name ?? ''}`, ...(node.children ?? []).flatMap(namesIn)];
}

describe('the figures of the status page', () => {
  it(
    'R9 tell the whole path: rate, latency, queue, outbox, recovered messages, and every part',
    async () => {
      interface View {
        readonly parts: { readonly name: string; readonly ok: boolean }[];
        readonly history: Record<string, number | null>[];
      }
      // A kept connection may have been closed while a command blocked this process.
      const view = () =>
        waitFor('the figures', () =>
          fetch(`${address()}/v1/status`).then(
            async (response) => (await response.json()) as View,
            () => false as const,
          ),
        );
      await waitFor('every part well', async () => (await view()).parts.every(({ ok }) => ok), MINUTE);
      expect((await view()).parts.map(({ name }) => name).sort()).toEqual([
        'broker',
        'cache',
        'consumer',
        'database',
        'gateway',
      ]);
      expect(smoke(50)).toMatchObject(flawless(50));
      const point = (key: string) =>
        waitFor(key, async () => (await view()).history.findLast((each) => (each[key] ?? 0) > 0) ?? false, MINUTE);
      for (const key of ['storedPerSecond', 'consumedPerSecond', 'latencyP50Ms', 'latencyP95Ms']) await point(key);
      const last = (await view()).history.at(-1);
      for (const key of ['queueDepth', 'outboxDepth', 'outboxOldestSeconds', 'recovered'])
        expect(last?.[key]).not.toBeNull();
    },
    3 * MINUTE,
  );
});

(there ? describe : describe.skip)('the status page in a browser', () => {
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  const errors: string[] = [];

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    browser = await puppeteer.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
      timeout: 2 * MINUTE,
    });
    page = await browser.newPage();
    page.setDefaultTimeout(MINUTE);
    page.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await page.goto(`${address()}/`, { timeout: MINUTE });
    await page.waitForFunction("document.querySelectorAll('#parts li').length === 5");
  }, 4 * MINUTE);
  afterAll(() => browser.close());

  it('R9 loads nothing but itself and its figures', () => {
    const own = [`${address()}/`, `${address()}/v1/status`];
    expect([...new Set(requests)].filter((url) => !own.includes(url) && !url.startsWith('data:'))).toEqual([]);
    expect(errors).toEqual([]);
  });

  it.each(Object.entries(WIDTHS))(
    'R9 fits a %s without scrolling sideways',
    async (name, width) => {
      await page.setViewport({ width, height: 800, isMobile: name === 'phone' });
      const fits = 'document.documentElement.scrollWidth <= window.innerWidth';
      await page.waitForFunction(fits);
      const smallest = await page.evaluate(
        "Math.min(...[...document.querySelectorAll('dd, dt, li, figcaption')].map((each) => parseFloat(getComputedStyle(each).fontSize)))",
      );
      expect(smallest).toBeGreaterThanOrEqual(12);
      await page.screenshot({ path: join(PICTURES, `status-${name}.png`), fullPage: true });
    },
    2 * MINUTE,
  );

  it(
    'R9 says by name what each part of it is',
    async () => {
      const names = (await page.evaluate(
        "[...document.querySelectorAll('[role=img]')].map((each) => each.getAttribute('aria-label'))",
      )) as string[];
      expect(names.map((name) => name.split(':')[0])).toEqual([
        'Messages a second',
        'Latency from receipt to handler',
        'Waiting',
        'Cache hit rate',
      ]);
      const spoken = namesIn(await page.accessibility.snapshot({ interestingOnly: false }));
      for (const name of ['Parts', 'Now', 'Last ten minutes', 'Telegram Hybrid Stack'])
        expect(spoken).toContain(`heading ${name}`);
      for (const name of ['Parts', 'Now', 'Last ten minutes']) expect(spoken).toContain(`region ${name}`);
      expect(spoken).toContain('link /v1/openapi.json');
      expect(spoken.filter((each) => each === 'status ')).toHaveLength(1);
    },
    MINUTE,
  );

  it(
    'R9 is live: what is posted now shows in it',
    async () => {
      const posted = smoke(100);
      expect(posted).toMatchObject(flawless(100));
      await page.waitForFunction(
        "/^Messages a second: Stored (?!0\\.0\\/s|–)/.test(document.querySelector('[role=img]').getAttribute('aria-label')) || document.querySelector('.u-over')",
      );
      await page.waitForFunction("document.querySelector('#state').textContent === 'All parts are well'");
    },
    3 * MINUTE,
  );
});
