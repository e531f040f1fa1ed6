import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { GRAMJS, TELETHON, gramjs, telethon } from '../bench/peers/peers.js';
import { runPeer, type PeerOptions, type PeerResult } from '../bench/peers/run.js';
import { UserError } from '../stack/errors.js';
import { number, wholeNumber } from './number-option.js';
import { print, say } from './output.js';
import { keepResult } from './results.js';

export interface BenchPeersOptions {
  readonly minutes: string;
  readonly seed: string;
  readonly rate: string;
  readonly every: string;
  /** Result of `chaos --telegram-only --json` under the same seed, minutes, rate and every. */
  readonly gateway?: string;
}

const SETTLE_MS = 90_000;
const GATEWAY = "This project's gateway";

type Row = Pick<PeerResult, 'posted' | 'received' | 'lost'> & Partial<PeerResult>;

const chaosResult = z.object({ seed: z.number(), posted: z.number(), stored: z.number(), lost: z.number() });

/** Runs the peers under one schedule, at once but each with a simulator of its own, and prints what each lost. */
export async function benchPeers(options: BenchPeersOptions): Promise<void> {
  const minutes = number('--minutes', options.minutes, 0.1, 24 * 60);
  const plan: PeerOptions = {
    seed: wholeNumber('--seed', options.seed, 0, 2 ** 31),
    durationMs: minutes * 60_000,
    rate: number('--rate', options.rate, 0.1, 1_000),
    troubleEveryMs: number('--every', options.every, 0.1, 3_600) * 1_000,
    settleMs: SETTLE_MS,
  };
  const own = options.gateway === undefined ? {} : { [GATEWAY]: gatewayRow(options.gateway, plan.seed) };
  const rows: Record<string, Row> = { ...(await runAll(plan)), ...own };
  keepResult('peers.json', { ...plan, minutes, rows });
  print(table(rows));
}

async function runAll(plan: PeerOptions): Promise<Record<string, PeerResult>> {
  const python = telethon();
  const commands = { [GRAMJS]: gramjs(), ...('missing' in python ? {} : { [TELETHON]: python }) };
  if ('missing' in python) say(`! ${TELETHON}: not run: ${python.missing}`);
  say(`• seed ${String(plan.seed)}: ${Object.keys(commands).join('; ')}`);
  const results = Object.entries(commands).map(
    async ([name, command]) => [name, await runPeer(command, plan)] as const,
  );
  return Object.fromEntries(await Promise.all(results));
}

/** Of all that it must store: service messages, edits and deletions too. */
function gatewayRow(file: string, seed: number): Row {
  const result = chaosResult.parse(JSON.parse(readFileSync(file, 'utf8')));
  if (result.seed !== seed) throw new UserError('USAGE', `--gateway: ${file} is of seed ${String(result.seed)}`);
  return { posted: result.posted, received: result.stored, lost: result.lost };
}

function table(rows: Readonly<Record<string, Row>>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const share = ({ lost, posted }: Row) => `${((100 * lost) / Math.max(1, posted)).toFixed(1)} %`;
  return [
    line(['client', 'posted', 'received', 'lost', 'share lost']),
    line(['---', '--:', '--:', '--:', '--:']),
    ...Object.entries(rows).map(([name, row]) =>
      line([name, ...[row.posted, row.received, row.lost].map(String), share(row)]),
    ),
  ].join('\n');
}
