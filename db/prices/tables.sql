-- Prices: raw bars, append-only by version, and dated factors. Adjusted prices are made at read.

create table desk.instruments (
  id          bigint generated always as identity primary key,
  symbol      text not null unique,
  title       text not null default '',
  asset_class text not null default 'equity',
  currency    text not null default 'USD',
  exchange    text,
  calendar    text not null default 'XNYS',
  closes_only boolean not null default false,
  notes       text,
  created_at  timestamptz not null default now(),
  constraint instruments_symbol_shape check (symbol ~ '^[A-Z0-9^][A-Z0-9._^-]{0,31}$')
);
comment on table desk.instruments is 'One row a tradable symbol or index.';
comment on column desk.instruments.id is 'Key.';
comment on column desk.instruments.symbol is 'Upper-case symbol that configs use.';
comment on column desk.instruments.title is 'Name for people.';
comment on column desk.instruments.asset_class is 'equity, etf, index, fx, crypto, ...';
comment on column desk.instruments.currency is 'Currency of its prices.';
comment on column desk.instruments.exchange is 'Where it trades, if known.';
comment on column desk.instruments.calendar is 'Exchange calendar by which its sessions are counted (ISO market code).';
comment on column desk.instruments.closes_only is
  'True where the source has closes only, so that open, high and low repeat the close.';
comment on column desk.instruments.notes is 'Where the prices come from, and what is wrong with them.';
comment on column desk.instruments.created_at is 'When the row was made.';

create table desk.price_versions (
  id              bigint generated always as identity primary key,
  instrument_id   bigint not null references desk.instruments,
  timeframe       text not null,
  version         integer not null,
  factors_version integer not null default 0,
  source          text not null,
  first_bar       timestamptz not null,
  last_bar        timestamptz not null,
  bar_count       integer not null,
  gap_count       integer not null default 0,
  content_hash    text not null,
  loaded_by       text not null default current_user,
  loaded_at       timestamptz not null default now(),
  unique (instrument_id, timeframe, version),
  constraint price_versions_timeframe_shape check (timeframe ~ '^[1-9][0-9]*(m|h|d|w)$'),
  constraint price_versions_window check (first_bar <= last_bar and bar_count > 0),
  constraint price_versions_hash_shape check (content_hash ~ '^[0-9a-f]{64}$')
);
comment on table desk.price_versions is
  'One row a version of a series of bars: what a run pins, so that a later load never changes it.';
comment on column desk.price_versions.id is 'Key.';
comment on column desk.price_versions.instrument_id is 'The instrument.';
comment on column desk.price_versions.timeframe is 'Length of a bar: 1m, 1h, 1d, ...';
comment on column desk.price_versions.version is 'Counts from 1; a load that changes nothing makes no version.';
comment on column desk.price_versions.factors_version is
  'Version of the adjustment factors that belongs to it; 0 is none.';
comment on column desk.price_versions.source is 'Where the bars came from.';
comment on column desk.price_versions.first_bar is 'Time of the first bar.';
comment on column desk.price_versions.last_bar is 'Time of the last bar.';
comment on column desk.price_versions.bar_count is 'Bars in this version, those of earlier versions included.';
comment on column desk.price_versions.gap_count is
  'Stretches longer than the longest usual break (four days for daily bars) without a bar.';
comment on column desk.price_versions.content_hash is
  'SHA-256 over all bars and factors of this version, computed in SQL.';
comment on column desk.price_versions.loaded_by is 'Database role that loaded it.';
comment on column desk.price_versions.loaded_at is 'When.';

create table desk.bars (
  instrument_id bigint not null references desk.instruments,
  timeframe     text not null,
  bar_time      timestamptz not null,
  version       integer not null,
  open          double precision not null,
  high          double precision not null,
  low           double precision not null,
  close         double precision not null,
  volume        double precision not null,
  primary key (instrument_id, timeframe, bar_time, version),
  constraint bars_prices_positive check (low > 0 and high < 'Infinity'),
  constraint bars_high_is_highest check (high >= open and high >= close and high >= low),
  constraint bars_low_is_lowest check (low <= open and low <= close),
  constraint bars_volume_counts check (volume >= 0 and volume < 'Infinity')
);
comment on table desk.bars is
  'Raw prices, append-only: a changed bar is a new row under a higher version. Read through series_bars() or '
  'run_prices().';
comment on column desk.bars.instrument_id is 'The instrument.';
comment on column desk.bars.timeframe is 'Length of the bar.';
comment on column desk.bars.bar_time is
  'Daily bars: 00:00 UTC of the session''s date. Intraday bars: when the bar began.';
comment on column desk.bars.version is 'First version of the series that has this row.';
comment on column desk.bars.open is 'First price, raw, in the instrument''s currency.';
comment on column desk.bars.high is 'Highest price, raw.';
comment on column desk.bars.low is 'Lowest price, raw.';
comment on column desk.bars.close is 'Last price, raw.';
comment on column desk.bars.volume is 'Units traded, raw; 0 where the source has none.';

create table desk.adjustment_factors (
  instrument_id  bigint not null references desk.instruments,
  effective_date date not null,
  kind           text not null,
  version        integer not null,
  factor         double precision not null,
  primary key (instrument_id, effective_date, kind, version),
  constraint adjustment_factors_kind_known check (kind in ('split', 'dividend')),
  constraint adjustment_factors_factor_positive check (factor > 0 and factor < 'Infinity')
);
comment on table desk.adjustment_factors is
  'Dated splits and dividends: prices before effective_date are multiplied by factor when they are read adjusted.';
comment on column desk.adjustment_factors.instrument_id is 'The instrument.';
comment on column desk.adjustment_factors.effective_date is 'First session that trades on the new basis (the ex-date).';
comment on column desk.adjustment_factors.kind is 'split (volume is divided by the factor too) or dividend.';
comment on column desk.adjustment_factors.version is
  'Version of the instrument''s factors; a version holds the whole set.';
comment on column desk.adjustment_factors.factor is 'Multiplier of earlier prices: 0.5 for a two-for-one split.';
