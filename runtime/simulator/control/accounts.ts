import { z } from 'zod';
import type { Account } from '../accounts/accounts.js';
import { MAX_TEXT_LENGTH } from '../world.js';
import { WorldError } from '../world-error.js';
import { id, type Route } from './routes.js';

const userIdOf = (params: unknown) => z.object({ userId: id }).parse(params).userId;
const changeBody = z.strictObject({
  code: z
    .string()
    .regex(/^\d{3,10}$/)
    .optional(),
  password: z.string().min(1).max(255).nullable().optional(),
});
/** A whole `tg://login?token=…`, or its token. */
const acceptBody = z.strictObject({
  token: z.string().regex(/^(tg:\/\/login\?token=)?[A-Za-z0-9_-]+={0,2}$/, 'expected tg://login?token=… or the token'),
  userId: id,
});

/** Accounts, their private messages, and logins. */
export const accountRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/accounts',
    does: 'The accounts with phone number and login code.',
    run: (_request, _reply, { accounts }) => accounts.all.map(accountView),
  },
  {
    method: 'PATCH',
    path: '/accounts/:userId',
    does: 'Changes login code or password (null: none); not kept over a restart.',
    body: '{"code": "12345", "password": null}',
    run: ({ params, body }, _reply, { accounts }) =>
      accountView(accounts.change(userIdOf(params), changeBody.parse(body))),
  },
  {
    method: 'POST',
    path: '/accounts/:userId/messages',
    does: 'A private message to the account: moves its common box.',
    body: '{"text": "hello"}',
    run: ({ params, body }, _reply, { accounts, editor }) => {
      const { text } = z.strictObject({ text: z.string().min(1).max(MAX_TEXT_LENGTH) }).parse(body);
      return { pts: editor.tell(accounts.get(userIdOf(params)).userId, text) };
    },
  },
  {
    method: 'DELETE',
    path: '/accounts/:userId/sessions',
    does: 'Logs the account out everywhere: its next calls get 401 AUTH_KEY_UNREGISTERED.',
    run: ({ params }, _reply, simulator) => ({ revoked: simulator.revoke(userIdOf(params)) }),
  },
  {
    method: 'POST',
    path: '/logins/accept',
    does: 'Scans the QR code of a login with an app of that account.',
    body: '{"token": "tg://login?token=…", "userId": 777}',
    run: ({ body }, _reply, simulator) => {
      const { token, userId } = acceptBody.parse(body);
      const bytes = Buffer.from(token.replace(/^tg:\/\/login\?token=/, ''), 'base64url');
      if (!simulator.acceptLogin(bytes, userId)) throw new WorldError(404, 'token: unknown or expired');
      return { accepted: true };
    },
  },
  {
    method: 'POST',
    path: '/logins/expire-codes',
    does: 'Makes every login code that was sent too old.',
    run: (_request, _reply, { logins }) => {
      logins.expireCodes();
      return { expired: true };
    },
  },
];

function accountView({ userId, phone, firstName, username, code, verifier }: Account) {
  return { userId: String(userId), phone, firstName, username, code, hasPassword: verifier !== null };
}
