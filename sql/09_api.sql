-- What the API adds: its keys, the secret of its cursors, and the wishes that only a gateway can fulfil.
--
-- Purpose  who may ask is decided by a hash, never by a key that is stored; a channel can be asked for by its name before
--          anybody knows its id.
-- Lock     only on objects that it creates.
-- Edition  any; plain tables.
-- Cost     milliseconds; every table is new and nearly empty.

-- A key is 40 random letters and digits, so one round of SHA-256 is enough: there is nothing to guess.
create table telegram_gateway.api_keys (
  name       text        not null,
  key_sha256 bytea       not null,
  created_at timestamptz not null default now(),
  -- Set once; a revoked key stays on record and its name is free again.
  revoked_at timestamptz,
  constraint api_keys_pk primary key (key_sha256),
  constraint api_keys_hash_length check (octet_length(key_sha256) = 32),
  constraint api_keys_name_form check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$')
);
create unique index api_keys_active_name_idx on telegram_gateway.api_keys (name) where revoked_at is null;

comment on table telegram_gateway.api_keys is 'Keys of the API, hashed.';

-- One row: what the cursors of the API are signed with, the same for all of its processes. It opens nothing.
create table telegram_gateway.api_cursor_secret (
  only_row boolean not null default true,
  secret   bytea   not null,
  constraint api_cursor_secret_pk primary key (only_row),
  constraint api_cursor_secret_single check (only_row)
);
insert into telegram_gateway.api_cursor_secret (secret)
values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'utf8')));

-- A channel that an account shall join and read. The account's gateway answers with `done` and the id, or `refused` and
-- the reason; a channel whose id is known is commanded through its row in `channels`.
create table telegram_gateway.channel_requests (
  request_id   bigint      generated always as identity,
  account_id   text        not null,
  username     text        not null,
  status       text        not null default 'open',
  channel_id   bigint,
  detail       text,
  requested_by text        not null,
  requested_at timestamptz not null default now(),
  finished_at  timestamptz,
  constraint channel_requests_pk primary key (request_id),
  constraint channel_requests_status_known check (status in ('open', 'done', 'refused')),
  constraint channel_requests_username_form check (username ~ '^[a-z][a-z0-9_]{3,31}$')
);
create unique index channel_requests_open_idx on telegram_gateway.channel_requests (account_id, username)
  where status = 'open';

comment on table telegram_gateway.channel_requests is 'Channels that a gateway was asked to join.';

-- Keys are made and revoked by the owner; the API alone looks at them, and nobody but the API at the secret.
revoke all on telegram_gateway.api_keys, telegram_gateway.api_cursor_secret from gateway, consumer, api, reader;
grant select on telegram_gateway.api_keys, telegram_gateway.api_cursor_secret to api;
