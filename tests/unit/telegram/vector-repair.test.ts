import { describe, expect, it } from '@jest/globals';
import bigInt from 'big-integer';
import { Api } from 'telegram';
import { BinaryReader } from 'telegram/extensions/index.js';
import '../../../runtime/telegram/gramjs/vector-repair.js';

const UNKNOWN = Buffer.from('dec0ad0b', 'hex');
const read = (bytes: Buffer) => new BinaryReader(bytes).tgReadObject() as unknown;

const message = () =>
  new Api.Message({
    id: 1,
    peerId: new Api.PeerChannel({ channelId: bigInt(5) }),
    date: 1,
    message: 'bold',
    entities: [new Api.MessageEntityBold({ offset: 0, length: 4 })],
  });

describe('R2 one object that cannot be read', () => {
  it('R2 leaves the fields of its class vectors: the next of its kind is read and written as before', () => {
    const whole = message().getBytes();
    const bold = new Api.MessageEntityBold({ offset: 0, length: 4 }).getBytes();
    const broken = Buffer.concat([whole.subarray(0, whole.indexOf(bold)), UNKNOWN, Buffer.alloc(40)]);
    expect(() => read(broken)).toThrow();
    expect(read(whole)).toMatchObject({ entities: [{ className: 'MessageEntityBold' }] });
    expect(message().getBytes().equals(whole)).toBe(true);
  });

  it('R2 also when a vector of numbers ends early', () => {
    const whole = new Api.MsgsAck({ msgIds: [bigInt(1), bigInt(2)] }).getBytes();
    expect(() => read(whole.subarray(0, -4))).toThrow();
    expect((read(whole) as Api.MsgsAck).msgIds.map(String)).toEqual(['1', '2']);
  });
});
