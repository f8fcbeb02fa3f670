-- What was known of a job before it ran, and what was decided on it.

create table desk.estimates (
  job_id         bigint primary key references desk.jobs on delete cascade,
  combinations   bigint not null,
  at_most        bigint not null,
  seconds        double precision,
  based_on       bigint not null,
  trades_median  double precision,
  trades_worst   double precision,
  fee_pct_median double precision,
  fee_pct_worst  double precision,
  max_fee_pct    double precision,
  pilot_run_id   bigint references desk.optimization_runs on delete set null,
  forced         boolean not null default false,
  verdict        text not null,
  estimated_at   timestamptz not null default now(),
  constraint estimates_verdict_known check (verdict in ('fine', 'held', 'too dear', 'forced', 'no fees'))
);
comment on table desk.estimates is 'What was known of a job before it ran, and what was decided on it.';
comment on column desk.estimates.job_id is 'The job.';
comment on column desk.estimates.combinations is 'Points planned at the insert.';
comment on column desk.estimates.at_most is 'Points at the most, refinements and tests included.';
comment on column desk.estimates.seconds is
  'Seconds of one process, from earlier results of the strategy; null when there are none.';
comment on column desk.estimates.based_on is 'Earlier results that the figures rest on.';
comment on column desk.estimates.trades_median is
  'Closed trades to expect: median of the earlier results, scaled to the window.';
comment on column desk.estimates.trades_worst is 'The most closed trades.';
comment on column desk.estimates.fee_pct_median is 'Fees to expect as a fraction of the capital: median.';
comment on column desk.estimates.fee_pct_worst is 'The highest.';
comment on column desk.estimates.max_fee_pct is 'What the criteria allow.';
comment on column desk.estimates.pilot_run_id is 'Run of a few points that was made for the estimate.';
comment on column desk.estimates.forced is 'True where somebody wanted the job to run whatever its fees.';
comment on column desk.estimates.verdict is
  'fine, held (pilot points run first), too dear (refused), forced, or no fees (nothing to guard).';
comment on column desk.estimates.estimated_at is 'When.';
