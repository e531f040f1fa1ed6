import { unixSeconds } from './clock.js';

/** What the world lets accounts do with one channel. */
export interface ChannelAccess {
  /** Its members alone can read it, and nobody joins without an invitation: CHANNEL_PRIVATE for everybody else. */
  readonly private: boolean;
  /** False is a large channel: nothing is pushed, only differences and the history tell. */
  readonly pushed: boolean;
  /** Accounts that are no members; everybody else is one. */
  readonly left: readonly number[];
  /** Accounts that were thrown out: CHANNEL_PRIVATE, also when they try to join. */
  readonly banned: readonly number[];
  /** Since when, in Unix seconds, who was no member before is one; the others have been from the beginning. */
  readonly joined?: Readonly<Record<string, number>>;
}

export const OPEN_ACCESS: ChannelAccess = { private: false, pushed: true, left: [], banned: [] };

export const MEMBER_STATES = ['member', 'left', 'banned'] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

export function memberState({ left, banned }: ChannelAccess, userId: number): MemberState {
  if (banned.includes(userId)) return 'banned';
  return left.includes(userId) ? 'left' : 'member';
}

export function withMember(access: ChannelAccess, userId: number, state: MemberState): ChannelAccess {
  const since = state === 'member' && !isMember(access, userId) ? { [userId]: unixSeconds() } : {};
  const others = (list: readonly number[]) => list.filter((id) => id !== userId);
  return {
    ...access,
    left: [...others(access.left), ...(state === 'left' ? [userId] : [])],
    banned: [...others(access.banned), ...(state === 'banned' ? [userId] : [])],
    joined: { ...access.joined, ...since },
  };
}

/** Whether the account may read the channel: its history and its differences. A public one is open to everybody. */
export function canRead(access: ChannelAccess, userId: number): boolean {
  const state = memberState(access, userId);
  return state === 'member' || (state === 'left' && !access.private);
}

/** Whether the channel is among the account's dialogs, and its news are the account's. */
export function isMember(access: ChannelAccess, userId: number): boolean {
  return memberState(access, userId) === 'member';
}

/** Since when the account, or whoever joined last, is a member, in Unix seconds; 0 is from the beginning. */
export function joinedAt({ joined = {} }: ChannelAccess, userId?: number): number {
  return userId === undefined ? Math.max(0, ...Object.values(joined)) : (joined[String(userId)] ?? 0);
}
