-- Accounts and channels: who owns a channel, how it is addressed, how far it has been read, and what is known to be missing.
--
-- Purpose  `pts` is the promise that nothing is lost: it moves only in the transaction that stores what it covers, or
--          that notes in the backfill marks what is still to be read.
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

-- The common box of an account (what Telegram counts outside channels), and which gateway may write for it.
create table telegram_gateway.account_state (
  account_id  text        not null,
  -- All four null until the box was read for the first time.
  pts         integer,
  qts         integer,
  date        integer,
  seq         integer,
  -- The fencing lease: every commit names the epoch under which it was made, and fails when another gateway has raised it.
  lease_owner text,
  lease_epoch bigint      not null default 0,
  -- Renewed while its owner lives; a gateway of another machine waits until it has passed.
  lease_until timestamptz,
  updated_at  timestamptz not null default now(),
  constraint account_state_pk primary key (account_id),
  constraint account_state_box_whole check (num_nulls(pts, qts, date, seq) in (0, 4))
) with (fillfactor = 50);

-- How long Telegram wants not to be asked, by class of method: a restart must not forget it.
create table telegram_gateway.account_flood_waits (
  account_id   text        not null,
  method_class text        not null,
  flood_until  timestamptz not null,
  constraint account_flood_waits_pk primary key (account_id, method_class)
);

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
  -- Ids that are still to be read from the history: above `backfill_until_id`, below `backfill_next_id`, which moves
  -- downwards page by page. Both null when there is nothing to do. A gap that Telegram no longer keeps is noted here in the
  -- transaction that moves `pts` over it.
  backfill_next_id      bigint,
  backfill_until_id     bigint,
  backfill_finished_at  timestamptz,
  -- Everything up to here is complete: the reconciler has compared the ids with Telegram.
  reconciled_message_id bigint,
  reconciled_at         timestamptz,
  -- paused: by a person; left: the account is no member; gone: Telegram refuses it, tried again now and then.
  status                text        not null default 'active',
  created_at            timestamptz not null default now(),
  updated_at            timestamptz not null default now(),
  constraint channels_pk primary key (channel_id),
  constraint channels_status_known check (status in ('active', 'paused', 'left', 'gone')),
  constraint channels_backfill_range check (backfill_next_id >= backfill_until_id)
) with (fillfactor = 50);
create index channels_account_id_idx on telegram_gateway.channels (account_id);

comment on table telegram_gateway.channels is 'Channels, their owner and how far each has been read.';

-- Messages that exist and that this release cannot read (a constructor of a newer layer), until one can.
create table telegram_gateway.message_holes (
  channel_id bigint      not null,
  message_id bigint      not null,
  account_id text        not null,
  found_at   timestamptz not null default now(),
  constraint message_holes_pk primary key (channel_id, message_id)
);

comment on table telegram_gateway.message_holes is 'Messages that could not be read.';
