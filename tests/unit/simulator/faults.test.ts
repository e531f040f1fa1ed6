import { describe, expect, it, jest } from '@jest/globals';
import { faultSchema } from '../../../runtime/simulator/fault-kinds.js';
import { Faults } from '../../../runtime/simulator/faults.js';

function newFaults() {
  const actions = { kick: jest.fn(), release: jest.fn() };
  return { actions, faults: new Faults(actions) };
}

describe('R10 faults', () => {
  it('R10 an error strikes its method so often, then no more', () => {
    const { faults } = newFaults();
    faults.inject({ kind: 'rpcError', method: 'users.GetUsers', code: 400, message: 'CHANNEL_PRIVATE', count: 2 });
    expect(faults.takeRpcError('help.GetConfig')).toBeUndefined();
    expect(faults.takeRpcError('users.GetUsers')).toEqual({ code: 400, message: 'CHANNEL_PRIVATE' });
    expect(faults.takeRpcError('users.GetUsers')).toEqual({ code: 400, message: 'CHANNEL_PRIVATE' });
    expect(faults.takeRpcError('users.GetUsers')).toBeUndefined();
    expect(faults.list()).toEqual([]);
  });

  it('R10 a flood wait names its seconds, and * stands for every method', () => {
    const { faults } = newFaults();
    faults.inject({ kind: 'floodWait', method: '*', seconds: 3 });
    expect(faults.takeRpcError('any.Method')).toEqual({ code: 420, message: 'FLOOD_WAIT_3' });
  });

  it('R10 push faults strike their channel, the oldest first', () => {
    const { faults } = newFaults();
    faults.inject({ kind: 'dropPushes', channelId: '5', count: 1 });
    faults.inject({ kind: 'duplicatePushes' });
    const { id } = faults.inject({ kind: 'holdPushes', channelId: '7' });
    const plan = (channel: number) => faults.takePush(channel)?.kind;
    const twice = 'duplicatePushes';
    expect([5, 5, 6, 7].map(plan)).toEqual(['dropPushes', twice, twice, twice]);
    faults.clear(2);
    expect([5, 7].map(plan)).toEqual([undefined, 'holdPushes']);
    expect(faults.clear(id)).toBe(true);
    expect(faults.clear(id)).toBe(false);
    expect(plan(7)).toBeUndefined();
    expect(faults.struck).toEqual({ dropPushes: 1, duplicatePushes: 3, holdPushes: 1 });
  });

  it('R10 a kick strikes at once and does not stay; removal releases what was held', () => {
    const { actions, faults } = newFaults();
    faults.inject({ kind: 'kick' });
    expect(actions.kick).toHaveBeenCalledTimes(1);
    expect(faults.list()).toEqual([]);
    faults.clear();
    expect(actions.release).toHaveBeenCalledTimes(1);
  });

  it('R10 refusing and muting end by themselves when told for how long', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    try {
      const { faults } = newFaults();
      faults.inject({ kind: 'mute', seconds: 2 });
      faults.inject({ kind: 'refuse' });
      expect([faults.muted, faults.refusing]).toEqual([true, true]);
      now.mockReturnValue(3_000);
      expect([faults.muted, faults.refusing]).toEqual([false, true]);
    } finally {
      now.mockRestore();
    }
  });

  it('R10 an unknown or incomplete fault is refused', () => {
    expect(faultSchema.safeParse({ kind: 'earthquake' }).success).toBe(false);
    expect(faultSchema.safeParse({ kind: 'rpcError', method: 'x' }).success).toBe(false);
    expect(faultSchema.safeParse({ kind: 'dropPushes', count: 0 }).success).toBe(false);
  });
});
