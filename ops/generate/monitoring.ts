import { DASHBOARD_IDS, SUBJECTS } from '../../monitoring/catalogue.js';
import { BOARDS, RULES } from '../../monitoring/index.js';
import { renderRules } from '../../monitoring/rules/rule.js';

/** Dashboards and rule files by path. */
export const monitoringFiles: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(
    DASHBOARD_IDS.map((id) => [`dashboards/${id}.json`, () => `${JSON.stringify(BOARDS[id](), null, 2)}\n`]),
  ),
  ...Object.fromEntries(
    SUBJECTS.map((subject) => [`dashboards/rules/${subject}.yml`, () => renderRules(subject, RULES[subject])]),
  ),
};
