import { z } from 'zod';
import { ROUTES } from '../../runtime/simulator/control/index.js';
import { faultSchema } from '../../runtime/simulator/fault-kinds.js';
import { METHOD_NAMES } from '../../runtime/simulator/rpc.js';

interface FieldSchema {
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
}

interface ObjectSchema {
  readonly description?: string;
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
}

/** `docs/simulator.md`: what it answers, and how tests and people give it orders. The tables come from the code. */
export function simulatorPage(): string {
  return `<!-- Generated from runtime/simulator by \`npm run generate\`. -->

# The Telegram simulator

A real MTProto server (layer 198) for development and tests: handshake, sessions, containers, gzip, acknowledgements, salts and
clocks on the wire; two accounts and broadcast channels behind it. The gateway cannot tell it from Telegram except by its key. It
runs as the container \`telegram-simulator\` (MTProto 4443, control 4020) in the dev stack and inside the process of most tests.
A production stack refuses it, and the production bundle does not contain it. The control API is not secured: keep it on loopback.

## Try it

\`\`\`
C=http://127.0.0.1:4020        # npm run connections tells the port
curl $C/channels
curl -X POST $C/channels/1000000001/messages -H 'content-type: application/json' -d '{"text": "hello"}'
curl -X PATCH $C/channels/1000000001/messages/2 -H 'content-type: application/json' -d '{"text": "hello again"}'
curl $C/channels/1000000001/messages   # the truth: every version, every tombstone
curl -X POST $C/faults -H 'content-type: application/json' -d '{"kind": "mute", "seconds": 20}'
\`\`\`

## A login to practise on

Account 778 waits for somebody: number \`+99966000778\`, code \`22222\`, password \`simulated password\`. Account 777, the one that
the dev stack is logged in as, has the number \`+99966000777\`, the code \`77777\` and no password.

\`\`\`
npm run login -- --phone +99966000777            # then the code; asks before it replaces the session
npm run login -- --qr                            # scan it with:
curl -X POST $C/logins/accept -H 'content-type: application/json' -d '{"token": "tg://login?token=…", "userId": 777}'
printf '99966000777\\n77777\\n' | npm run login -- --replace    # a script answers
npm run session -- status
npm run session -- logout
\`\`\`

## What it promises, and where it differs

- What a client sees follows from one append-only log per channel; pts and ids survive a kill (state folder). Old events may be
  forgotten when memory runs short: a difference from before them is "too long", and \`complete\` turns false in the truth.
- A method that it does not have answers 400 METHOD_NOT_IMPLEMENTED, is named in \`/stats\`, and fails the test that met it.
- One data centre answers for all five. A session ends with its connection; what was not acknowledged is not sent again.
- Rate limits are injected, never its own. A number that nobody has is invalid.
- It shares the client library's TL code with the gateway. Two things keep that honest: bytes encoded by hand
  (\`tests/unit/simulator/tl.test.ts\`, \`golden-bytes.test.ts\`) and a client of another language and library
  (\`tests/unit/simulator/telethon.test.ts\`).

## Control API

JSON in and out; 64-bit ids are decimal strings. A wrong request is 400 with \`{"error": ["path: expectation"]}\`, an unknown
channel or message 404.

| route | does | body, for example |
| --- | --- | --- |
${ROUTES.map(({ method, path, does, body }) => row([`\`${method} ${path}\``, does, body === undefined ? '' : `\`${body}\``])).join('\n')}

## Faults

\`POST /faults\` with \`kind\` and its fields. A fault stays until it is removed, its \`count\` is used up or its \`seconds\` are over.
\`GET /stats\` counts how often each kind has struck.

| kind | does | fields |
| --- | --- | --- |
${faultRows().join('\n')}

## Methods that it answers

${METHOD_NAMES.map((name) => `\`${name}\``).join(', ')}; ping, pingDelayDisconnect and msgsAck; under invokeWithLayer, initConnection,
invokeWithoutUpdates and invokeAfterMsg(s).
`;
}

function faultRows(): string[] {
  const { oneOf, anyOf } = z.toJSONSchema(faultSchema, { io: 'input' }) as {
    oneOf?: ObjectSchema[];
    anyOf?: ObjectSchema[];
  };
  return (oneOf ?? anyOf ?? []).map(({ description = '', properties, required = [] }) => {
    const fields = Object.entries(properties).filter(([name]) => name !== 'kind');
    const words = fields.map(([name, field]) => fieldWords(name, field, required.includes(name)));
    return row([`\`${String(properties['kind']?.const)}\``, description, words.join(', ')]);
  });
}

function fieldWords(name: string, field: FieldSchema, required: boolean): string {
  const choices = field.enum ? ` (${field.enum.join(', ')})` : '';
  const fallback = field.default === undefined ? (required ? '' : '?') : ` = ${JSON.stringify(field.default)}`;
  return `\`${name}\`${choices}${fallback}`;
}

const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
