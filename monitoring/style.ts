import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  PanelBuilder as Heatmap,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimeline } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';
import { DASHBOARDS, type DashboardId } from './catalogue.js';

/** Grafana's names of the units that we use. */
export type Unit = 's' | 'ms' | 'bytes' | 'Bps' | 'percentunit' | 'short' | 'ops' | 'mps' | 'reqps' | 'none' | 'binBps';

/** Expression → legend, with labels as `{{label}}`. */
export type Queries = Readonly<Record<string, string>>;

export interface PanelArgs {
  readonly title: string;
  /** What the reader learns from it, and what is good. */
  readonly about: string;
  readonly unit: Unit;
  readonly queries: Queries;
  /** Of 24 columns. @default 8, of a stat 4 */
  readonly width?: number;
  /** Dashboard that says more. */
  readonly more?: DashboardId;
  /** Upper end of the axis, where it is known. */
  readonly max?: number;
  /** From where it is yellow, and from where red. Descending when less is worse. */
  readonly thresholds?: readonly [warning: number, critical: number];
}

export interface TableArgs extends Pick<PanelArgs, 'title' | 'about' | 'width' | 'more'> {
  /** One statement; each column of its answer is one of the table, in its order. */
  readonly sql: string;
  /** Units of columns that have one. */
  readonly units?: Readonly<Record<string, Unit>>;
}

export type Panel = TimeSeries | Stat | Heatmap | StateTimeline | Table;

/** A variable, so that the dashboards also work in a Grafana whose datasource has another uid. */
const PROMETHEUS: common.DataSourceRef = { type: 'prometheus', uid: '${datasource}' };
/** The stack's own database, as the `reader`. */
const TIMESCALEDB: common.DataSourceRef = { type: 'grafana-postgresql-datasource', uid: 'timescaledb' };
const HEIGHT = 7;
const GREEN = 'green';

/** A value over time. */
export function graph(args: PanelArgs): TimeSeries {
  const panel = new TimeSeries()
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(common.VisibilityMode.Never)
    .min(0)
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    );
  if (args.max !== undefined) panel.max(args.max);
  return finish(panel, args, HEIGHT, 8);
}

/** The last value, large. */
export function stat(args: PanelArgs): Stat {
  const panel = new Stat()
    .graphMode(common.BigValueGraphMode.Area)
    .colorMode(common.BigValueColorMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']));
  return finish(panel, args, 4, 4);
}

/** One part that is up (1) or down (0). */
export function health(args: Omit<PanelArgs, 'unit'>): Stat {
  const panel = new Stat()
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Background)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .noValue('no data')
    .mappings([
      {
        type: dashboard.MappingType.ValueToText,
        options: { '0': { text: 'down', color: 'red' }, '1': { text: 'up', color: GREEN } },
      },
    ]);
  return finish(panel, { ...args, unit: 'none' }, 4, 3);
}

/** A histogram over time; its queries are rates of buckets by `le`. */
export function heatmap(args: PanelArgs): Heatmap {
  const panel = new Heatmap()
    .calculate(false)
    .yAxis(new YAxisConfigBuilder().unit(args.unit))
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Oranges').steps(64));
  return finish(panel, args, HEIGHT, 8);
}

/** Which states there were when; its queries name one row each. */
export function timeline(args: PanelArgs): StateTimeline {
  const panel = new StateTimeline()
    .mergeValues(true)
    .showValue(common.VisibilityMode.Never)
    .noValue('none')
    .mappings([{ type: dashboard.MappingType.ValueToText, options: { '1': { text: 'firing', color: 'red' } } }]);
  return finish(panel, args, HEIGHT, 24);
}

/** What the database says at this moment, a row a thing. */
export function table({ title, about, sql, width = 24, more, units = {} }: TableArgs): Table {
  const panel = new Table()
    .title(title)
    .description(about)
    .datasource(TIMESCALEDB)
    .unit('short')
    .height(HEIGHT)
    .span(width)
    .withTarget(statement(sql));
  for (const [column, unit] of Object.entries(units)) panel.overrideByName(column, [{ id: 'unit', value: unit }]);
  if (more) panel.links([linkTo(more)]);
  return panel;
}

/** A query of Grafana's PostgreSQL datasource, for which the library has no builder. */
function statement(rawSql: string): cog.Builder<cog.Dataquery> {
  const query = { refId: 'A', datasource: TIMESCALEDB, editorMode: 'code', format: 'table', rawQuery: true, rawSql };
  return { build: () => ({ ...query, _implementsDataqueryVariant: () => undefined }) };
}

/** What the builders of all panels have in common; the library gives them no common type. */
interface AnyPanel {
  title(text: string): this;
  description(text: string): this;
  datasource(source: common.DataSourceRef): this;
  unit(unit: string): this;
  height(rows: number): this;
  span(columns: number): this;
  withTarget(target: DataqueryBuilder): this;
  links(links: dashboard.DashboardLinkBuilder[]): this;
  thresholds(thresholds: dashboard.ThresholdsConfigBuilder): this;
}

function finish<P extends AnyPanel>(panel: P, args: PanelArgs, height: number, width: number): P {
  panel
    .title(args.title)
    .description(args.about)
    .datasource(PROMETHEUS)
    .unit(args.unit)
    .height(height)
    .span(args.width ?? width)
    .thresholds(thresholds(args.thresholds));
  Object.entries(args.queries).forEach(([expression, legend], n) => {
    const query = new DataqueryBuilder()
      .expr(expression)
      .legendFormat(legend)
      .refId(String.fromCharCode(65 + n))
      .range();
    panel.withTarget(panel instanceof Heatmap ? query.format(PromQueryFormat.Heatmap) : query);
  });
  if (args.more) panel.links([linkTo(args.more)]);
  return panel;
}

function thresholds(steps: PanelArgs['thresholds']): dashboard.ThresholdsConfigBuilder {
  const builder = new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute);
  if (!steps) return builder.steps([{ value: null, color: GREEN }]);
  const [warning, critical] = steps;
  return warning < critical
    ? builder.steps([step(null, GREEN), step(warning, 'yellow'), step(critical, 'red')])
    : builder.steps([step(null, 'red'), step(critical, 'yellow'), step(warning, GREEN)]);
}

const step = (value: number | null, color: string) => ({ value, color });

/** Link to another dashboard that keeps the time range. */
function linkTo(id: DashboardId): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(DASHBOARDS[id].title).url(`/d/${id}`).keepTime(true);
}

/** The classic schema: what Grafana reads from files. */
export type Board = ReturnType<typeof board>;

/** Panels under their headings, in rows of 24 columns; every dashboard links to all the others and marks what fired. */
export function board(id: DashboardId, rows: Readonly<Record<string, readonly Panel[]>>) {
  const { title, question } = DASHBOARDS[id];
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is for Grafana's API, not for files
  const builder = new dashboard.DashboardBuilder(title)
    .uid(id)
    .description(question)
    .tags(['telegram'])
    .timezone('browser')
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .readonly()
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource')
        .label('Data source')
        .type('prometheus')
        .current({ text: 'Prometheus', value: 'prometheus' }),
    )
    .link(
      new dashboard.DashboardLinkBuilder('Dashboards')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['telegram'])
        .keepTime(true),
    );
  let panelId = 0;
  for (const [heading, panels] of Object.entries(rows)) {
    builder.withRow(new dashboard.RowBuilder(heading));
    for (const panel of panels) builder.withPanel(panel.id(++panelId));
  }
  return builder.build();
}
