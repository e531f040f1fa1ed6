-- Roles, the schema and the rights that everything in sql/ stands on.
--
-- Purpose  one NOLOGIN owner, one NOLOGIN group role a client; login roles (`gateway_a`, `gateway_b`, ...) are made
--          elsewhere, with their verifiers, as members of these.
-- When     before the numbered files, on every run: each statement may be repeated and nothing is ever dropped.
-- Lock     none on tables.
-- Edition  any.
-- Cost     milliseconds, whatever the size of the data.
-- Login    superuser, or a role with CREATEROLE that may create schemas in this database (managed engines).

do $$
declare
  wanted text;
begin
  foreach wanted in array array['telegram_owner', 'gateway', 'consumer', 'api', 'reader', 'monitor'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
  end loop;

  -- The migrator works as the owner; a superuser may anyway, a managed engine's admin only as a member.
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    execute format('grant telegram_owner to %I', current_user);
  end if;

  if not pg_catalog.pg_has_role('monitor', 'pg_monitor', 'member') then
    grant pg_monitor to monitor;
  end if;
end
$$;

-- Statistics by statement, for monitoring. Where it is not installed, or the admin may not, everything else goes on;
-- where its library is not preloaded, the view answers with an error that says so.
do $$
begin
  create extension if not exists pg_stat_statements schema public;
exception
  when insufficient_privilege or undefined_file or feature_not_supported then
    raise notice 'pg_stat_statements is left out: %', sqlerrm;
end
$$;

create schema if not exists telegram_gateway authorization telegram_owner;

set local role telegram_owner;

grant usage on schema telegram_gateway to gateway, consumer, api, reader, monitor;

-- Objects that the owner makes from here on. What is an immutable fact loses update and delete where it is created.
alter default privileges for role telegram_owner in schema telegram_gateway
  grant select, insert, update, delete on tables to gateway, consumer, api;
alter default privileges for role telegram_owner in schema telegram_gateway
  grant select on tables to reader;
alter default privileges for role telegram_owner in schema telegram_gateway
  grant usage, select on sequences to gateway, consumer, api;
alter default privileges for role telegram_owner in schema telegram_gateway
  grant execute on functions to gateway, consumer, api, reader;

reset role;
