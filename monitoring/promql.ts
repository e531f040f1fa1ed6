/** One metric selector of an expression: `up{job="gateway"}` has the name `up`. */
export interface Selector {
  readonly name: string;
  /** As written, without range and offset. */
  readonly text: string;
}

/** Words followed by a list of labels, not by an expression. */
const LABEL_LISTS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const OPERATORS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan', 'atan2']);
/** Next word: a string, a range, a number with its unit, a name with its matchers, or any other character. */
const TOKEN = /"(?:\\.|[^"\\])*"|\[[^\]]*\]|\d[\w.]*|([a-zA-Z_:][\w:]*)\s*(\{(?:"(?:\\.|[^"\\])*"|[^}"])*\})?|\S/y;
const LABELS = /\s*\([^)]*\)/y;

/**
 * Every metric selector of a PromQL expression, in its order. A tokenizer, not a parser: `promtool` judges the grammar.
 * Selectors by `__name__` alone are not known to it.
 */
export function selectorsOf(expression: string): Selector[] {
  const found: Selector[] = [];
  for (let at = 0; at < expression.length;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(expression);
    if (!match) {
      at += 1;
      continue;
    }
    at = TOKEN.lastIndex;
    const [text, name] = match;
    if (name === undefined) continue;
    if (LABEL_LISTS.has(name.toLowerCase())) at = afterLabels(expression, at);
    else if (
      !OPERATORS.has(name.toLowerCase()) &&
      !/^\s*\(/.test(expression.slice(at)) &&
      !isAggregation(name, expression, at)
    )
      found.push({ name, text: text.trim() });
  }
  return found;
}

/** `sum by (x) (…)`: the parenthesis comes after the labels. */
function isAggregation(name: string, expression: string, at: number): boolean {
  return !name.includes('_') && /^\s*(by|without)\b/i.test(expression.slice(at));
}

function afterLabels(expression: string, at: number): number {
  LABELS.lastIndex = at;
  return LABELS.test(expression) ? LABELS.lastIndex : at;
}

/** An expression as Grafana would send it, with the variables that our dashboards use put in. */
export function resolved(expression: string): string {
  return expression.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h');
}
