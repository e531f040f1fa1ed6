import { describe, expect, it } from '@jest/globals';
import { selectorsOf } from '../../../monitoring/promql.js';

const names = (expression: string) => selectorsOf(expression).map(({ name }) => name);

describe('selectors of an expression', () => {
  it.each([
    ['up', ['up']],
    ['sum by (job) (rate(a_total{x="(b_total)"}[5m]))', ['a_total']],
    ['sum(rate(a_total[5m] offset 1h)) by (le) / on (instance) group_left (role) b_info', ['a_total', 'b_info']],
    ['histogram_quantile(0.95, sum by (le) (rate(a_bucket[$__rate_interval]))) > 0.015', ['a_bucket']],
    ['(count(a{role="master"}) or vector(0)) != bool 1 and max(b) < 1e6', ['a', 'b']],
    ['slo:x:ratio_1h > 0.5 unless ALERTS{alertstate="firing"}', ['slo:x:ratio_1h', 'ALERTS']],
    ['time() - max(a_seconds) > 26 * 3600', ['a_seconds']],
    ['topk(10, a) == inf', ['a']],
  ])('%s', (expression, expected) => {
    expect(names(expression)).toEqual(expected);
  });

  it('come with their matchers, without range and offset', () => {
    expect(selectorsOf('rate(a{q=~"x[.]{2}",b="}"}[5m]) + c')).toEqual([
      { name: 'a', text: 'a{q=~"x[.]{2}",b="}"}' },
      { name: 'c', text: 'c' },
    ]);
  });
});
