-- What trading an instrument needs besides its prices: what one unit stands for, what may be quoted and ordered, and
-- what a position must have in the account.

-- What the gate has asked for as steps of sizes and prices.
alter table desk.instruments rename column size_step to lot;
alter table desk.instruments rename column price_tick to tick;
alter table desk.instruments
  add column multiplier double precision not null default 1,
  add column margin     double precision,
  add constraint instruments_multiplier_positive check (multiplier > 0 and multiplier < 'Infinity'),
  add constraint instruments_margin_positive check (margin > 0 and margin < 'Infinity'),
  -- Backtrader does not multiply what is paid in full.
  add constraint instruments_multiplier_on_margin check (multiplier = 1 or margin is not null);
comment on column desk.instruments.multiplier is
  'Money that one unit gains when its price rises by 1: 50 of ES, 1 of a share.';
comment on column desk.instruments.tick is 'Smallest step of its price; null where nobody told.';
comment on column desk.instruments.lot is 'Units that an order is a multiple of; null is whole units.';
comment on column desk.instruments.margin is
  'Money a unit that a position must have in the account, which is marked to market at each bar; null where a position '
  'is paid in full.';

alter table desk.optimization_runs add column contract_terms jsonb;
comment on column desk.optimization_runs.contract_terms is
  'By symbol the multiplier, tick, lot and margin of the instruments that have such, as they were when the run was '
  'made; null where none has.';
