import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';
import type { ListenerCommand } from './listener.js';
import { peerPython } from './python.js';

export const GRAMJS = 'GramJS 2.26.22, `NewMessage` handler';
export const TELETHON = 'Telethon 1.39.0, `NewMessage` handler, `catch_up=True`';

const file = (name: string) => join(ROOT, 'bench', 'peers', name);

export function gramjs(): ListenerCommand {
  return { file: process.execPath, args: ['--import', 'tsx', file('gramjs-listener.ts')] };
}

/** Or why it cannot run here. */
export function telethon(): ListenerCommand | { readonly missing: string } {
  const python = peerPython();
  return 'missing' in python ? python : { file: python.path, args: [file('telethon_listener.py')] };
}
