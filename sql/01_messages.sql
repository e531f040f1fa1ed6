-- Messages as they came, and all that later files stand on: versions, tombstones, groups, work, outcomes, outbox.
--
-- Purpose  the facts (hypertables, never updated) apart from the state (small plain tables that are updated and
--          emptied): a status change must never touch a hypertable, whose UPDATE may plan and lock every chunk.
-- Lock     only on objects that it creates.
-- Edition  Apache and TSL, TimescaleDB 2.19 and newer: create_hypertable() with by_range(). No policies here.
-- Cost     milliseconds; every table is new and empty.
--
-- The migrator runs each file as telegram_owner, in one transaction; only the extension needs the admin.

reset role;
create extension if not exists timescaledb;
set local role telegram_owner;

-- ---------------------------------------------------------------------------------------------------- the facts

create table telegram_gateway.messages (
  channel_id  bigint      not null,
  message_id  bigint      not null,
  -- Telegram's own date, whole seconds. It never changes (an edit has its own date), and a unique key of a
  -- hypertable must hold the partition column: so this key is as good as (channel_id, message_id).
  posted_at   timestamptz not null,
  account_id  text        not null,
  received_at timestamptz not null,
  stored_at   timestamptz not null default clock_timestamp(),
  -- How the gateway came by it.
  source      text        not null,
  kind        text        not null,
  text        text        not null,
  sender_id   bigint,
  grouped_id  bigint,
  media_type  text,
  -- Set when the first copy seen was an edited one already.
  edited_at   timestamptz,
  metadata    jsonb       not null default '{}',
  -- The TL bytes, so that a message can be mapped again with a better mapping.
  raw         bytea       not null,
  constraint messages_pk primary key (channel_id, message_id, posted_at),
  constraint messages_source_known check (source in ('push', 'difference', 'backfill', 'reconcile')),
  constraint messages_kind_known check (kind in ('message', 'service'))
);

-- One day a chunk: 50 messages a second are about 5 GB a day, an ordinary account is a hundredth of that, and history
-- of ten years stays under 4,000 chunks. `set_chunk_time_interval` changes it for chunks to come; the rule is that
-- the newest chunk with its indexes fits a quarter of the memory.
select public.create_hypertable(
  'telegram_gateway.messages', public.by_range('posted_at', interval '1 day'), create_default_indexes => false);
create index messages_posted_at_idx on telegram_gateway.messages (posted_at desc);

comment on table telegram_gateway.messages is 'Messages as first seen; immutable.';

create table telegram_gateway.message_versions (
  channel_id     bigint      not null,
  message_id     bigint      not null,
  -- Of the original: versions live in the same time range as their message.
  posted_at      timestamptz not null,
  -- The original is version 1 and stands in `messages`; the first edit is 2.
  version        integer     not null,
  edited_at      timestamptz not null,
  account_id     text        not null,
  received_at    timestamptz not null,
  stored_at      timestamptz not null default clock_timestamp(),
  source         text        not null,
  text           text        not null,
  media_type     text,
  metadata       jsonb       not null default '{}',
  raw            bytea       not null,
  -- Of text, entities and media (runtime/store/content-hash.ts). Views, reactions, keyboards and web pages are left out:
  -- a copy with the hash of the newest version is no version.
  content_sha256 bytea       not null,
  constraint message_versions_pk primary key (channel_id, message_id, version, posted_at),
  constraint message_versions_source_known check (source in ('push', 'difference', 'backfill', 'reconcile')),
  constraint message_versions_version_positive check (version >= 1)
);
select public.create_hypertable(
  'telegram_gateway.message_versions', public.by_range('posted_at', interval '7 days'), create_default_indexes => false);

comment on table telegram_gateway.message_versions is 'Edits, append-only.';

-- Plain, because a deletion tells no date and may be of a message that was never seen: a late copy of it must find
-- this row and not come back to life.
create table telegram_gateway.message_tombstones (
  channel_id  bigint      not null,
  message_id  bigint      not null,
  account_id  text        not null,
  -- When the gateway heard of it: the notice itself tells no time.
  deleted_at  timestamptz not null,
  source      text        not null,
  constraint message_tombstones_pk primary key (channel_id, message_id)
);
create index message_tombstones_deleted_at_idx on telegram_gateway.message_tombstones (deleted_at);

comment on table telegram_gateway.message_tombstones is 'Deletions, also of messages never seen.';

-- ---------------------------------------------------------------------------------------------------- the work

create table telegram_gateway.consumer_groups (
  group_name text        not null,
  -- A group in `poll` mode has no queue.
  mode       text        not null default 'queue',
  -- An inactive group gets no new work; what it has stays.
  active     boolean     not null default true,
  created_at timestamptz not null default now(),
  constraint consumer_groups_pk primary key (group_name),
  constraint consumer_groups_mode_known check (mode in ('queue', 'poll', 'dual')),
  constraint consumer_groups_name_form check (group_name ~ '^[a-z0-9][a-z0-9_-]{0,62}$')
);
insert into telegram_gateway.consumer_groups (group_name) values ('default');

-- What a group has not finished. No foreign key to consumer_groups: it would lock the group's row for each message.
create table telegram_gateway.message_work (
  group_name    text        not null,
  kind          text        not null,
  channel_id    bigint      not null,
  message_id    bigint      not null,
  version       integer     not null,
  -- Null for a deletion of a message never seen.
  posted_at     timestamptz,
  account_id    text        not null,
  status        text        not null default 'pending',
  claimed_by    text,
  claimed_until timestamptz,
  attempts      integer     not null default 0,
  -- Grows with each claim: who finishes must still hold the number that his claim returned.
  fence         bigint      not null default 0,
  last_error    text,
  created_at    timestamptz not null default clock_timestamp(),
  constraint message_work_pk primary key (group_name, channel_id, message_id, version, kind),
  constraint message_work_kind_known check (kind in ('message.created', 'message.edited', 'message.deleted')),
  constraint message_work_status_known check (status in ('pending', 'processing', 'failed'))
) with (
  -- Rows live for milliseconds: vacuum by count, not by share, and leave room for updates in place.
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_delay = 0
);

comment on table telegram_gateway.message_work is 'What each group has yet to finish; a finished row is deleted.';

create table telegram_gateway.message_outcomes (
  -- The consumer's clock when its handler began, in milliseconds: the end of "push to handler".
  at           timestamptz not null,
  group_name   text        not null,
  kind         text        not null,
  channel_id   bigint      not null,
  message_id   bigint      not null,
  version      integer     not null,
  posted_at    timestamptz,
  account_id   text        not null,
  status       text        not null,
  processed_by text        not null,
  attempts     integer     not null,
  constraint message_outcomes_status_known check (status in ('processed', 'failed'))
);
select public.create_hypertable(
  'telegram_gateway.message_outcomes', public.by_range('at', interval '1 day'), create_default_indexes => false);
create index message_outcomes_at_idx on telegram_gateway.message_outcomes (at desc);

comment on table telegram_gateway.message_outcomes is 'What became of each event in each group; append-only.';

-- ---------------------------------------------------------------------------------------------------- the outbox

-- A row means: committed, and not yet confirmed by the broker. It holds keys only; the text is read from the facts.
create table telegram_gateway.outbox (
  outbox_id  bigint      generated always as identity,
  account_id text        not null,
  kind       text        not null,
  channel_id bigint      not null,
  message_id bigint      not null,
  version    integer     not null,
  posted_at  timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint outbox_pk primary key (outbox_id),
  constraint outbox_kind_known check (kind in ('message.created', 'message.edited', 'message.deleted'))
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_delay = 0
);

comment on table telegram_gateway.outbox is 'Events not yet confirmed by the broker.';

-- Facts stay facts: no client can change them. Retention works as the owner.
revoke update, delete on telegram_gateway.messages, telegram_gateway.message_versions, telegram_gateway.message_outcomes
  from gateway, consumer, api;
