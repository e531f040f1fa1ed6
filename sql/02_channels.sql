-- Accounts and channels: who owns a channel, how it is addressed, and how far it has been read.
--
-- Purpose  `pts` is the promise that nothing is lost: it moves only in the transaction that stores what it covers.
-- Lock     only on objects that it creates.
-- Edition  any; plain tables.
-- Cost     milliseconds; every table is new and empty.

create table telegram_gateway.accounts (
  account_id       text        not null,
  -- Telegram's id of the user; null until the gateway has logged in.
  telegram_user_id bigint,
  display_name     text,
  status           text        not null default 'active',
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  constraint accounts_pk primary key (account_id),
  constraint accounts_telegram_user_key unique (telegram_user_id),
  constraint accounts_status_known check (status in ('active', 'paused', 'removed'))
);

-- The common box of an account: what Telegram counts outside channels.
create table telegram_gateway.account_state (
  account_id text        not null,
  pts        integer     not null,
  qts        integer     not null,
  date       integer     not null,
  seq        integer     not null,
  updated_at timestamptz not null default now(),
  constraint account_state_pk primary key (account_id)
) with (fillfactor = 50);

-- One row a channel, and so one owner: two accounts in the same channel would store everything twice. No foreign key
-- to accounts: the cursor moves in every batch, and a missing account must not stop the storing of messages.
create table telegram_gateway.channels (
  channel_id            bigint      not null,
  account_id            text        not null,
  -- Valid for the owning account alone; null until the channel was listed.
  access_hash           bigint,
  title                 text        not null default '',
  username              text,
  -- Null until the channel was read for the first time.
  pts                   integer,
  last_message_id       bigint,
  -- Backfill works downwards, from `backfill_next_id` to `backfill_until_id`; both null when there is nothing to do.
  backfill_next_id      bigint,
  backfill_until_id     bigint,
  backfill_finished_at  timestamptz,
  -- Up to here the reconciler has compared ids with Telegram.
  reconciled_message_id bigint,
  reconciled_at         timestamptz,
  -- Set while something is known to be missing: a difference must be fetched.
  dirty_since           timestamptz,
  status                text        not null default 'active',
  created_at            timestamptz not null default now(),
  updated_at            timestamptz not null default now(),
  constraint channels_pk primary key (channel_id),
  constraint channels_status_known check (status in ('active', 'paused', 'left', 'gone')),
  constraint channels_backfill_range check (backfill_next_id >= backfill_until_id)
) with (fillfactor = 50);
create index channels_account_id_idx on telegram_gateway.channels (account_id);

comment on table telegram_gateway.channels is 'Channels, their owner and how far each has been read.';
