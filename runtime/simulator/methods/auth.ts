import { Api } from 'telegram/tl';
import type { Account } from '../accounts/accounts.js';
import { unixSeconds } from '../clock.js';
import { userObject } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';

/** Logging in by phone and code or by QR token, and logging out. */
export const authMethods = {
  'auth.SendCode': (request: Api.auth.SendCode, call: Call) => {
    checkApplication(request);
    const account = accountOf(request.phoneNumber, call);
    return sentCode(account, call.logins.sendCode(account), call);
  },

  'auth.ResendCode': (request: Api.auth.ResendCode, call: Call) => {
    const account = accountOf(request.phoneNumber, call);
    return sentCode(account, call.logins.sendCode(account), call);
  },

  'auth.SignIn': (request: Api.auth.SignIn, call: Call) => {
    const account = accountOf(request.phoneNumber, call);
    call.logins.checkCode(account, request.phoneCodeHash, request.phoneCode ?? '');
    return enter(account, call);
  },

  /** The same token until it expires; once it was scanned, the login itself or the next step towards it. */
  'auth.ExportLoginToken': (request: Api.auth.ExportLoginToken, call: Call) => {
    checkApplication(request);
    const { token, secondsLeft, state } = call.logins.token(call.caller.keyId);
    if (state.acceptedBy === null)
      return new Api.auth.LoginToken({ expires: unixSeconds() + Math.ceil(secondsLeft), token });
    const moved = call.faults.take('migrateLogin');
    if (moved) return new Api.auth.LoginTokenMigrateTo({ dcId: moved.dcId, token });
    call.logins.takeToken(token);
    return new Api.auth.LoginTokenSuccess({ authorization: enter(state.acceptedBy, call) });
  },

  /** The end of a QR login in the data centre that the first one named. */
  'auth.ImportLoginToken': (request: Api.auth.ImportLoginToken, call: Call) => {
    const account = call.logins.takeToken(request.token)?.acceptedBy;
    if (!account) throw new RpcFailure(400, 'AUTH_TOKEN_EXPIRED');
    return new Api.auth.LoginTokenSuccess({ authorization: enter(account, call) });
  },

  'auth.LogOut': (_request: Api.auth.LogOut, call: Call) => {
    if (call.caller.userId === null) throw new RpcFailure(401, 'AUTH_KEY_UNREGISTERED');
    call.caller.authorise(null);
    return new Api.auth.LoggedOut({});
  },
} satisfies Methods;

/** Logs the caller in, or asks for the password first. */
function enter(account: Account, { caller, logins }: Call): Api.auth.Authorization {
  if (account.verifier !== null) {
    logins.awaitPassword(caller.keyId, account);
    throw new RpcFailure(401, 'SESSION_PASSWORD_NEEDED');
  }
  return authorise(account, caller);
}

export function authorise(account: Account, caller: Call['caller']): Api.auth.Authorization {
  caller.authorise(account.userId);
  return new Api.auth.Authorization({ user: userObject(account) });
}

/** Every application is taken but the empty one. */
function checkApplication({ apiId, apiHash }: { readonly apiId: number; readonly apiHash: string }): void {
  if (apiId <= 0 || apiHash === '') throw new RpcFailure(400, 'API_ID_INVALID');
}

function accountOf(phone: string, { accounts }: Call): Account {
  const account = accounts.byPhone(phone);
  if (account === undefined) throw new RpcFailure(400, 'PHONE_NUMBER_INVALID');
  return account;
}

/** The code goes to the account's other sessions, as a private message. */
function sentCode(account: Account, phoneCodeHash: string, call: Call): Api.auth.SentCode {
  call.tell(account.userId, `Login code: ${account.code}. Do not give it to anyone.`);
  const type = new Api.auth.SentCodeTypeApp({ length: account.code.length });
  return new Api.auth.SentCode({ type, phoneCodeHash, timeout: 60 });
}
