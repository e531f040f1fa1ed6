/** What a migration did, step by step, as the journal has it. */
export interface Report {
  readonly source: string;
  /** Of the run that finished it. */
  readonly seconds: number;
  readonly steps: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const value = (report: Report, step: string, key: string, fallback: string): string => {
  const found = report.steps[step]?.[key];
  return typeof found === 'string' || typeof found === 'number' ? String(found) : fallback;
};

/** The report for people; `report.json` has the same and all else. */
export function reportText(report: Report): string {
  const figure = (step: string, key: string) => value(report, step, key, '0');
  const seconds = Object.values(report.steps).reduce((sum, detail) => sum + Number(detail['seconds'] ?? 0), 0);
  return `# Migration

From ${report.source}.

| what | |
| --- | --- |
| messages compared | ${figure('compared', 'rows')} in ${figure('compared', 'parts')} parts (channel and month) |
| differences | ${figure('compared', 'differences')} |
| parts copied before, and after the old gateway was stopped | ${figure('copied', 'copied')}, ${figure('caught-up', 'copied')} |
| rows set aside in \`telegram_migration.refused\` | ${figure('caught-up', 'refused')} |
| unfinished messages that became work | ${figure('work-made', 'work')} |
| account of the session | ${value(report, 'session-installed', 'account', 'unknown')} |
| seconds without a gateway | ${figure('switched', 'downSeconds')} |
| seconds of work in all | ${seconds.toFixed(1)} |

| step | seconds |
| --- | ---: |
${Object.entries(report.steps)
  .filter(([, detail]) => detail['seconds'] !== undefined)
  .map(([step, detail]) => `| ${step} | ${Number(detail['seconds']).toFixed(1)} |`)
  .join('\n')}

The way back: \`npm run rollback -- --migration quick\`, or \`full\` with the data written since. The old volume and schema are
untouched; remove them when nobody wants to go back any more.
`;
}
