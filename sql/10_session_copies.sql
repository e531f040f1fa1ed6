-- Copies of the sessions for the backup, sealed by the gateways for whoever holds its key.
--
-- Purpose  a session is on the disk of its gateway alone; this brings it into every backup without a second way to that host.
-- Lock     only on objects that it creates.
-- Edition  any; a plain table.
-- Cost     milliseconds; a row an account.

create table telegram_gateway.session_copies (
  account_id text        not null,
  -- Opened by the key of the backups alone; the database has no part of it.
  sealed     bytea       not null,
  sealed_at  timestamptz not null default now(),
  constraint session_copies_pk primary key (account_id)
);

comment on table telegram_gateway.session_copies is 'Sessions for the backup, sealed.';

-- Gateways write, nobody reads but the backup, which is the superuser.
revoke all on telegram_gateway.session_copies from gateway, consumer, api, reader;
grant insert, update on telegram_gateway.session_copies to gateway;
grant select (account_id) on telegram_gateway.session_copies to gateway;
