-- The old layout as `npm run migrate` knows it (ops/migrate/source-schema.ts): a schema among others in a shared
-- TimescaleDB, with the status of the work on the hypertable itself.
create extension if not exists timescaledb;
create schema telegram_gateway;
create schema other_application;
create table other_application.orders (id bigint primary key);

create table telegram_gateway.sessions (
  name       text        primary key,
  user_id    bigint,
  phone      text,
  updated_at timestamptz not null default now()
);

create table telegram_gateway.channels (
  channel_id      bigint      primary key,
  access_hash     bigint,
  title           text,
  username        text,
  pts             integer,
  last_message_id bigint,
  is_active       boolean     not null default true,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now()
);

-- No key over (channel_id, message_id): duplicates and nulls have been seen.
create table telegram_gateway.messages (
  id           bigserial   not null,
  channel_id   bigint,
  message_id   bigint,
  sender_id    bigint,
  grouped_id   bigint,
  content      text,
  media_type   text,
  metadata     json,
  posted_at    timestamptz not null,
  edited_at    timestamptz,
  deleted_at   timestamptz,
  created_at   timestamptz not null default now(),
  status       text        not null default 'pending',
  processed_by text,
  processed_at timestamptz,
  attempts     integer     not null default 0,
  last_error   text
);
select public.create_hypertable('telegram_gateway.messages', 'posted_at', chunk_time_interval => interval '7 days');
