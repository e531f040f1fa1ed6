import { describe, expect, it } from '@jest/globals';
import { missing, unexpected } from '../../support/secrets/expected.js';
import { partsOf } from '../../support/parts.js';

const GRAFANA = { where: 'grafana:/credentials/netrc', mode: '400', owner: '472:0' };

/** What the live search is held to, where there is a Grafana and where there is none. */
describe('the files that hold a secret', () => {
  it('S4 M2 those of Grafana are missed where it stands, and nowhere else', () => {
    const of = (source: 'debian' | 'upstream') => missing([], Object.keys(partsOf(source)));
    expect(of('upstream').filter((where) => !of('debian').includes(where))).toEqual([
      expect.stringContaining('grafana:'),
    ]);
    expect(of('debian')).toEqual(expect.arrayContaining([expect.stringContaining('alertmanager:')]));
  });

  it('S4 M2 those of Grafana are for its user alone', () => {
    expect(unexpected([GRAFANA])).toEqual([]);
    expect(
      unexpected([
        { ...GRAFANA, mode: '440' },
        { ...GRAFANA, owner: '0:0' },
      ]),
    ).toHaveLength(2);
  });
});
