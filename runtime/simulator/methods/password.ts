import { randomBytes } from 'node:crypto';
import { Api } from 'telegram/tl';
import type { Account } from '../accounts/accounts.js';
import { DH_G, DH_PRIME } from '../dh-prime.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';
import { long } from '../tl.js';
import { authorise } from './auth.js';

/** Two-step verification. */
export const passwordMethods = {
  /** For who has shown the right code, or is logged in. */
  'account.GetPassword': (_request: Api.account.GetPassword, call: Call) => {
    const account = askedFor(call);
    const offer = call.logins.offer(call.caller.keyId, account);
    const unused = {
      newAlgo: new Api.PasswordKdfAlgoUnknown(),
      newSecureAlgo: new Api.SecurePasswordKdfAlgoUnknown(),
      secureRandom: randomBytes(256),
    };
    if (offer === null || account.verifier === null) return new Api.account.Password(unused);
    const { salt1, salt2 } = account.verifier();
    return new Api.account.Password({
      ...unused,
      hasPassword: true,
      currentAlgo: new Api.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow({
        salt1,
        salt2,
        g: DH_G,
        p: DH_PRIME,
      }),
      srp_B: offer.B,
      srpId: long(offer.id),
      ...(account.hint === '' ? {} : { hint: account.hint }),
    });
  },

  'auth.CheckPassword': (request: Api.auth.CheckPassword, { caller, logins }: Call) => {
    const account = logins.waitingFor(caller.keyId);
    if (account === undefined) throw new RpcFailure(401, 'AUTH_KEY_UNREGISTERED');
    if (!(request.password instanceof Api.InputCheckPasswordSRP)) throw new RpcFailure(400, 'PASSWORD_HASH_INVALID');
    const { srpId, A, M1 } = request.password;
    const offer = logins.takeOffer(caller.keyId);
    if (offer?.id.toString() !== srpId.toString()) throw new RpcFailure(400, 'SRP_ID_INVALID');
    if (!offer.verify(A, M1)) throw new RpcFailure(400, 'PASSWORD_HASH_INVALID');
    logins.done(caller.keyId);
    return authorise(account, caller);
  },
} satisfies Methods;

function askedFor({ caller, logins, accounts }: Call): Account {
  const waiting = logins.waitingFor(caller.keyId);
  if (waiting) return waiting;
  if (caller.userId === null) throw new RpcFailure(401, 'AUTH_KEY_UNREGISTERED');
  return accounts.get(caller.userId);
}
