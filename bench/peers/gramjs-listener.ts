/**
 * What most programs that read Telegram with GramJS are: a session, a connection, the usual `NewMessage` handler. Reads one
 * JSON line from stdin, writes one for each message that the handler was given.
 */
import { createInterface } from 'node:readline';
import { TelegramClient } from 'telegram';
import { NewMessage, type NewMessageEvent } from 'telegram/events/index.js';
import { Logger, PromisedNetSockets } from 'telegram/extensions/index.js';
import { LogLevel } from 'telegram/extensions/Logger.js';
import { StringSession } from 'telegram/sessions/index.js';
import { Api } from 'telegram/tl/index.js';
import { trustSimulator } from '../../runtime/telegram/gramjs/simulator-trust.js';
import type { ListenerWish } from './listener.js';

async function listen({ port, publicKey, session }: ListenerWish): Promise<void> {
  trustSimulator({
    TELEGRAM_ENVIRONMENT: 'development',
    TELEGRAM_SIMULATOR_ADDRESS: `127.0.0.1:${String(port)}`,
    TELEGRAM_SIMULATOR_PUBLIC_KEY: publicKey,
  });
  // The library ignores the session's port.
  class SimulatorSocket extends PromisedNetSockets {
    override connect(_port: number, host: string): Promise<unknown> {
      return super.connect(port, host);
    }
  }
  const client = new TelegramClient(new StringSession(session), 1, 'hash', {
    connectionRetries: Infinity,
    networkSocket: SimulatorSocket,
    baseLogger: new Logger(LogLevel.NONE),
  });
  client.addEventHandler(({ message }: NewMessageEvent) => {
    if (message.peerId instanceof Api.PeerChannel)
      say({ channelId: message.peerId.channelId.toString(), messageId: String(message.id) });
  }, new NewMessage({}));
  await client.connect();
  await client.getMe();
  say({ ready: true });
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

createInterface({ input: process.stdin }).once('line', (line) => {
  void listen(JSON.parse(line) as ListenerWish);
});
