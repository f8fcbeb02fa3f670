-- What passing means: a floor on return by default, and which criteria ask for profit at all.

alter table desk.metric_definitions add column break_even double precision;
comment on column desk.metric_definitions.break_even is
  'Value at which nothing is earned: a criterion at or above it asks for profit; null where the metric tells nothing '
  'of it.';

-- Who has chosen criteria keeps them.
update desk.settings
set value = '{"min_trades": 100, "max_fee_pct": 0.30, "min_total_return": 0}'
where name = 'default_criteria' and value = '{"min_trades": 100, "max_fee_pct": 0.30}';
