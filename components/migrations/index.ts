import * as pulumi from '@pulumi/pulumi';
import { DATABASE, type DatabaseClient } from '../../runtime/contract.js';
import { Component } from '../component.js';
import { addressFor, type Endpoint, type Ready } from '../endpoint.js';
import { oneShot } from '../one-shot.js';
import type { StackContext } from '../stack-context.js';

export interface LoginRole {
  /** `<client>_a` or `<client>_b`. */
  readonly name: string;
  /** NOLOGIN group role that carries the rights and owns what the login makes. */
  readonly memberOf: DatabaseClient;
  /** SCRAM verifier; a change alters the role, sessions of the role go on. */
  readonly verifier: pulumi.Input<string>;
}

export interface MigrationsArgs {
  readonly stack: StackContext;
  /** PostgreSQL itself, not PgBouncer: the migrator's advisory lock belongs to a session. */
  readonly database: Endpoint;
  /** Superuser, or on a managed engine a login that may create roles, schemas and the extension. */
  readonly adminUser: string;
  readonly adminPassword: pulumi.Input<string>;
  /** Tried in turn where the password is refused: the server learns it only when the roles are made. @default none */
  readonly formerPasswords?: readonly pulumi.Input<string>[];
  /** SCRAM verifier of `adminPassword`, which the admin gets for his own. @default his password stays */
  readonly adminVerifier?: pulumi.Input<string>;
  readonly roles: readonly LoginRole[];
  /** What must be there before the database can be asked. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * Schema and logins of the database, brought up to date by the runtime's own tools inside the network.
 *
 * Promised: both steps are idempotent and drop nothing, also not on `destroy`; a step that failed runs again with the
 *   next `up`. A new or changed file in sql/ is part of the runtime's image, and another image runs the step again.
 * Order: groups, schema and tables first, then the login roles that are members of the groups.
 */
export class Migrations extends Component implements Ready {
  readonly ready: pulumi.Resource[];

  constructor(args: MigrationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:Migrations', 'telegram-migrations', opts);
    const database = adminLogin(args);
    const schema = this.#migrate(args, database);
    const roles = this.#createRoles(args, database, schema);
    this.ready = [roles];
    this.registerOutputs({});
  }

  #migrate({ stack, after }: MigrationsArgs, database: pulumi.Output<object>): pulumi.Resource {
    return oneShot(
      stack,
      this.child('schema'),
      { tool: 'migrate', input: { database } },
      this.under({ dependsOn: [...after] }),
    );
  }

  #createRoles(args: MigrationsArgs, database: pulumi.Output<object>, schema: pulumi.Resource): pulumi.Resource {
    return oneShot(
      args.stack,
      this.child('roles'),
      {
        tool: 'postgres-roles',
        input: {
          database,
          roles: pulumi.secret(pulumi.all([...args.roles])),
          ...(args.adminVerifier !== undefined && { adminVerifier: args.adminVerifier }),
        },
      },
      this.under({ dependsOn: [schema] }),
    );
  }
}

/** What `admin` takes as `database`. */
function adminLogin({ stack, database, adminUser, ...args }: MigrationsArgs): pulumi.Output<object> {
  const { host, port } = addressFor(stack, database);
  const at = {
    ...{ host, port, name: DATABASE, user: adminUser, tls: database.tls },
    ...(database.authorities !== undefined && { authorities: database.authorities }),
  };
  const passwords = pulumi.all([args.adminPassword, ...(args.formerPasswords ?? [])]);
  return pulumi.secret(
    passwords.apply(([password = '', ...former]) => ({
      ...at,
      password,
      ...(former.length > 0 && { formerPasswords: former }),
    })),
  );
}
