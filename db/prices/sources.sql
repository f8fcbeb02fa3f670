-- Every source that a job of load_prices may name, once: the validator, the queue and the runners read these rows.

insert into desk.price_sources as s (position, name, capability, package, needs_symbols, remedy, description)
values
  (1, 'sample', 'prices', null, false, 'Start one: backdesk work', 'Real daily prices that come with the desk.'),
  (2, 'yahoo', 'yahoo', 'yfinance', true, 'Where a runner runs: pip install ''backdesk[yahoo]''',
    'Yahoo, which is asked now; for personal use.')
on conflict (name) do update
set position = excluded.position, capability = excluded.capability, package = excluded.package,
    needs_symbols = excluded.needs_symbols, remedy = excluded.remedy, description = excluded.description;

grant select on desk.price_sources to desk_director, desk_viewer;
