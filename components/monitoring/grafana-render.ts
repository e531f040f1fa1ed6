import { stringify } from 'yaml';
import { DATABASE } from '../../runtime/contract.js';
import type { Address } from '../endpoint.js';

/** Folder of the container in which everything below stands. */
export const GRAFANA_FILES = '/credentials';
export const GRAFANA_PORT = 3000;
export const GRAFANA_ADMIN = 'admin';
/** Grafana fetches it in the background; where it cannot be had, that one datasource says so and all else works. */
export const REDIS_PLUGIN = 'redis-datasource';

interface Login {
  readonly address: Address;
  readonly user: string;
  readonly password: string;
}

export interface GrafanaSecrets {
  readonly adminPassword: string;
  /** Under which Grafana encrypts the passwords of its datasources. */
  readonly secretKey: string;
  readonly database: Login;
  /** Null for somebody else's Redis. */
  readonly redis: Login | null;
}

const at = ({ host, port }: Address) => `${host}:${String(port)}`;

/** What Grafana starts with: three datasources, where the dashboards are, and who may log in; by path below `GRAFANA_FILES`. */
export function grafanaFiles(
  secrets: GrafanaSecrets,
  prometheus: Address,
  boards: Readonly<Record<string, string>>,
): Record<string, string> {
  const { adminPassword, secretKey } = secrets;
  return {
    'admin-password': adminPassword,
    'secret-key': secretKey,
    netrc: `machine 127.0.0.1 login ${GRAFANA_ADMIN} password ${adminPassword}\n`,
    'provisioning/datasources/telegram.yml': datasourcesYml(secrets, prometheus),
    'provisioning/dashboards/telegram.yml': stringify({
      apiVersion: 1,
      providers: [
        { name: 'telegram', type: 'file', allowUiUpdates: false, options: { path: `${GRAFANA_FILES}/boards` } },
      ],
    }),
    ...Object.fromEntries(Object.entries(boards).map(([id, json]) => [`boards/${id}.json`, json])),
  };
}

/** `$` would start a variable in a provisioning file; the generated passwords are letters and digits. */
function datasourcesYml({ database, redis }: GrafanaSecrets, prometheus: Address): string {
  return stringify({
    apiVersion: 1,
    datasources: [
      {
        uid: 'prometheus',
        name: 'Prometheus',
        type: 'prometheus',
        url: `http://${at(prometheus)}`,
        isDefault: true,
        jsonData: { timeInterval: '15s' },
      },
      {
        uid: 'timescaledb',
        name: 'TimescaleDB',
        type: 'grafana-postgresql-datasource',
        url: at(database.address),
        user: database.user,
        secureJsonData: { password: database.password },
        jsonData: { database: DATABASE, sslmode: 'disable', timescaledb: true, maxOpenConns: 3 },
      },
      ...(redis
        ? [
            {
              uid: 'redis',
              name: 'Redis',
              type: REDIS_PLUGIN,
              url: `redis://${at(redis.address)}`,
              secureJsonData: { password: redis.password },
              jsonData: { acl: true, user: redis.user },
            },
          ]
        : []),
    ],
  });
}

/** Settings of the official image; what is secret comes by file. */
export const GRAFANA_ENVIRONMENT: Readonly<Record<string, string>> = {
  GF_SECURITY_ADMIN_USER: GRAFANA_ADMIN,
  GF_SECURITY_ADMIN_PASSWORD__FILE: `${GRAFANA_FILES}/admin-password`,
  GF_SECURITY_SECRET_KEY__FILE: `${GRAFANA_FILES}/secret-key`,
  GF_PATHS_PROVISIONING: `${GRAFANA_FILES}/provisioning`,
  GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: `${GRAFANA_FILES}/boards/overview.json`,
  GF_PLUGINS_PREINSTALL: REDIS_PLUGIN,
  GF_USERS_ALLOW_SIGN_UP: 'false',
  GF_ANALYTICS_REPORTING_ENABLED: 'false',
  GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
};

/**
 * Tells a running Grafana its new password and logins; at the first start it reads them itself. Its own command sets the password
 * from the file, then its API, as the new admin, reads the datasources again. No secret is in a command line.
 */
export function retell(container: string): string {
  const inside = [
    `grafana cli --homepath /usr/share/grafana admin reset-admin-password --password-from-stdin <${GRAFANA_FILES}/admin-password`,
    `curl -fsS --netrc-file ${GRAFANA_FILES}/netrc -X POST http://127.0.0.1:${String(GRAFANA_PORT)}/api/admin/provisioning/datasources/reload`,
  ].join(' && ');
  return `if [ "$(docker inspect -f '{{.State.Running}}' ${container} 2>/dev/null)" = true ]; then
  docker exec ${container} sh -c '${inside}' >/dev/null || exit
fi`;
}
