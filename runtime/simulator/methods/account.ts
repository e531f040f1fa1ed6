import { Api } from 'telegram/tl';
import { unixSeconds } from '../clock.js';
import { DC_ID } from '../keys.js';
import { userObject } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';

/** Who the caller is, and what a client asks for when it connects. */
export const accountMethods = {
  'users.GetUsers': (request: Api.users.GetUsers, { accounts, userId }: Call) =>
    request.id.map((user) => {
      const self = user instanceof Api.InputUserSelf;
      const own = user instanceof Api.InputUser && user.userId.equals(userId);
      if (!self && !own) throw new RpcFailure(400, 'USER_ID_INVALID');
      return userObject(accounts.get(userId));
    }),

  'help.GetConfig': (_request: Api.help.GetConfig, { address }: Call) =>
    new Api.Config({
      date: unixSeconds(),
      expires: unixSeconds() + 3_600,
      testMode: true,
      thisDc: DC_ID,
      // All of Telegram's data centres are here: a client that is sent on to another one finds the same world.
      dcOptions: DC_IDS.map((id) => new Api.DcOption({ id, ipAddress: address.host, port: address.port })),
      dcTxtDomainName: '',
      meUrlPrefix: 'https://t.me/',
      ...LIMITS,
    }),

  'help.GetNearestDc': () => new Api.NearestDc({ country: 'ZZ', thisDc: DC_ID, nearestDc: DC_ID }),
} satisfies Methods;

const DC_IDS = [1, 2, 3, 4, 5];

/** The real servers' figures, where a client reads them at all. */
const LIMITS = {
  chatSizeMax: 200,
  megagroupSizeMax: 200_000,
  forwardedCountMax: 100,
  onlineUpdatePeriodMs: 210_000,
  offlineBlurTimeoutMs: 5_000,
  offlineIdleTimeoutMs: 30_000,
  onlineCloudTimeoutMs: 300_000,
  notifyCloudDelayMs: 30_000,
  notifyDefaultDelayMs: 1_500,
  pushChatPeriodMs: 60_000,
  pushChatLimit: 2,
  editTimeLimit: 172_800,
  revokeTimeLimit: 2_147_483_647,
  revokePmTimeLimit: 2_147_483_647,
  ratingEDecay: 2_419_200,
  stickersRecentLimit: 200,
  channelsReadMediaPeriod: 604_800,
  callReceiveTimeoutMs: 20_000,
  callRingTimeoutMs: 90_000,
  callConnectTimeoutMs: 30_000,
  callPacketTimeoutMs: 10_000,
  captionLengthMax: 1_024,
  messageLengthMax: 4_096,
  webfileDcId: DC_ID,
};
