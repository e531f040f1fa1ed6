/** The status page: asks `/v1/status` every three seconds and draws what it says. */
import uPlot from 'uplot';

const INTERVAL_MS = 3_000;
const CHART_HEIGHT = 180;
const NOTHING = '–';

const whole = (value) => (value === null ? NOTHING : Math.round(value).toLocaleString('en'));
const rate = (value) => (value === null ? NOTHING : `${value.toFixed(value < 10 ? 1 : 0)}/s`);
const milliseconds = (value) => (value === null ? NOTHING : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
const percent = (value) => (value === null ? NOTHING : `${(100 * value).toFixed(0)} %`);
const seconds = (value) => (value === null ? NOTHING : `${value.toFixed(1)} s`);

/** Every figure, with its name and how it is written. */
const FIGURES = [
  ['Stored', 'storedPerSecond', rate],
  ['Handled', 'consumedPerSecond', rate],
  ['Latency, median', 'latencyP50Ms', milliseconds],
  ['Latency, 95 %', 'latencyP95Ms', milliseconds],
  ['Cache hits', 'cacheHitRate', percent],
  ['In the queue', 'queueDepth', whole],
  ['In the outbox', 'outboxDepth', whole],
  ['Oldest in the outbox', 'outboxOldestSeconds', seconds],
  ['Recovered', 'recovered', whole],
];

/** Every chart: title, how its axis is written, and its lines. */
const CHARTS = [
  [
    'Messages a second',
    rate,
    [
      ['Stored', 'storedPerSecond'],
      ['Handled', 'consumedPerSecond'],
    ],
  ],
  [
    'Latency from receipt to handler',
    milliseconds,
    [
      ['Median', 'latencyP50Ms'],
      ['95 %', 'latencyP95Ms'],
    ],
  ],
  [
    'Waiting',
    whole,
    [
      ['Queue', 'queueDepth'],
      ['Outbox', 'outboxDepth'],
    ],
  ],
  ['Cache hit rate', percent, [['Hits', 'cacheHitRate']]],
];

const clock = (at) => new Date(at * 1_000).toLocaleTimeString('en-GB');
const byId = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function showParts(parts) {
  byId('parts').replaceChildren(
    ...parts.map(({ name, ok, detail }) => {
      const item = element('li');
      item.append(
        element('strong', name),
        element('span', ok ? '✔ well' : '✖ not well', ok ? 'good' : 'bad'),
        element('br'),
        element('span', detail),
      );
      return item;
    }),
  );
}

function showFigures(now) {
  byId('figures').replaceChildren(
    ...FIGURES.map(([title, key, write]) => {
      const pair = element('div');
      pair.append(element('dt', title), element('dd', write(now?.[key] ?? null)));
      return pair;
    }),
  );
}

/** One chart with a name that a reader of screens can say, and the last values in words. */
class Chart {
  constructor([title, write, lines], parent) {
    this.title = title;
    this.write = write;
    this.lines = lines;
    const figure = element('figure');
    this.canvas = element('div');
    this.canvas.setAttribute('role', 'img');
    figure.append(element('figcaption', title), this.canvas);
    parent.append(figure);
    this.plot = new uPlot(this.options(), [[], ...lines.map(() => [])], this.canvas);
    // The figure's width is decided by the grid; the chart follows it.
    new ResizeObserver(() => this.plot.setSize({ width: this.width(), height: CHART_HEIGHT })).observe(figure);
    this.figure = figure;
  }

  width() {
    return Math.max(200, (this.figure?.clientWidth ?? 340) - 26);
  }

  options() {
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    return {
      width: this.width(),
      height: CHART_HEIGHT,
      scales: { y: { range: (_, _low, high) => [0, this.write === percent ? 1 : Math.max(high ?? 0, 1) * 1.1] } },
      axes: [
        { ...axis, space: 60, values: (_, values) => values.map(clock) },
        { ...axis, size: 60, values: (_, values) => values.map((value) => this.write(value)) },
      ],
      series: [
        { value: (_, at) => (at == null ? NOTHING : clock(at)) },
        ...this.lines.map(([label], n) => ({
          label,
          stroke: colour(n === 0 ? '--first' : '--second'),
          width: 2,
          // A lone value between two gaps would not be seen.
          points: { show: true, size: 4 },
          value: (_, value) => this.write(value ?? null),
        })),
      ],
    };
  }

  show(history) {
    const columns = this.lines.map(([, key]) => history.map((point) => point[key]));
    this.plot.setData([history.map(({ at }) => at / 1_000), ...columns]);
    const now = this.lines.map(([label, key]) => `${label} ${this.write(history.at(-1)?.[key] ?? null)}`);
    this.canvas.setAttribute('aria-label', `${this.title}: ${now.join(', ')}`);
  }
}

const charts = CHARTS.map((chart) => new Chart(chart, byId('charts')));

function showState(text, isGood) {
  const state = byId('state');
  // Said aloud only when it changes.
  if (state.textContent !== text) state.textContent = text;
  state.className = isGood ? 'good' : 'bad';
}

async function refresh() {
  try {
    const response = await fetch('/v1/status', { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`the API answers ${response.status}`);
    const { parts, history } = await response.json();
    showParts(parts);
    showFigures(history.at(-1));
    for (const chart of charts) chart.show(history);
    const ill = parts.filter(({ ok }) => !ok).map(({ name }) => name);
    showState(ill.length === 0 ? 'All parts are well' : `Not well: ${ill.join(', ')}`, ill.length === 0);
  } catch {
    showState('The API does not answer', false);
  }
  setTimeout(refresh, INTERVAL_MS);
}

showFigures(undefined);
void refresh();
