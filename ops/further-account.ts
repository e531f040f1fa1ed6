import { ACCOUNT_NAME } from '../components/gateway-service/accounts.js';
import { UserError } from '../stack/errors.js';

/** What `--account` names. The default account is named like any other, or not at all. */
export function furtherAccount({ account }: { readonly account?: string }): { readonly account?: string } {
  if (account === undefined || account === 'default') return {};
  if (!ACCOUNT_NAME.test(account))
    throw new UserError('USAGE', `--account: expected up to 32 letters, digits, - and _, got "${account}"`);
  return { account };
}
