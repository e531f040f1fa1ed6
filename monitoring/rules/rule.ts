import { stringify } from 'yaml';
import { DASHBOARDS, type DashboardId, type Subject } from '../catalogue.js';

/** critical: somebody is woken; warning: somebody looks today; info: it stands in the timeline. */
export type Severity = 'critical' | 'warning' | 'info';

export interface Alert {
  readonly alert: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long the expression must hold. @default at once */
  readonly for?: string;
  /** One sentence with what is wrong and by how much (`{{ $value }}`). */
  readonly summary: string;
  /** Where to look first. */
  readonly dashboard: DashboardId;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Recording {
  readonly record: string;
  readonly expr: string;
}

/** The rules of one subject, in the order in which a reader asks: error, latency, saturation, traffic. */
export interface RuleFile {
  readonly recordings?: readonly Recording[];
  readonly error?: readonly Alert[];
  readonly latency?: readonly Alert[];
  readonly saturation?: readonly Alert[];
  readonly traffic?: readonly Alert[];
}

/** Seconds between two evaluations; recordings that count samples rely on it. */
export const EVALUATION_S = 15;
const ORDER = ['error', 'latency', 'saturation', 'traffic'] as const;

export function alertsOf(file: RuleFile): Alert[] {
  return ORDER.flatMap((kind) => file[kind] ?? []);
}

/** Address of the section that tells cause, check and cure. */
export const runbookOf = ({ alert }: Pick<Alert, 'alert'>) => `docs/guides/monitoring.md#${alert.toLowerCase()}`;

/** A rule file as Prometheus reads it. */
export function renderRules(subject: Subject, file: RuleFile): string {
  const groups = [
    ...(file.recordings
      ? [{ name: `${subject}-records`, interval: `${String(EVALUATION_S)}s`, rules: file.recordings }]
      : []),
    ...ORDER.filter((kind) => file[kind]).map((kind) => ({
      name: `${subject}-${kind}`,
      interval: `${String(EVALUATION_S)}s`,
      rules: (file[kind] ?? []).map((alert) => alertRule(subject, alert)),
    })),
  ];
  return `# Made by \`npm run generate\` from monitoring/rules/${subject}.ts.\n${stringify({ groups }, { lineWidth: 0 })}`;
}

function alertRule(subject: Subject, alert: Alert) {
  return {
    alert: alert.alert,
    expr: alert.expr,
    ...(alert.for !== undefined && { for: alert.for }),
    labels: { severity: alert.severity, subject, ...alert.labels },
    annotations: {
      summary: alert.summary,
      runbook_url: runbookOf(alert),
      dashboard_url: `/d/${alert.dashboard}`,
      dashboard: DASHBOARDS[alert.dashboard].title,
    },
  };
}
