-- A day begins with the value at the end of the last bar, whatever was filled since.

alter table desk.session_ledgers add column bar_value double precision;
update desk.session_ledgers set bar_value = value;
alter table desk.session_ledgers alter column bar_value set not null;
comment on column desk.session_ledgers.bar_value is 'Value at the end of the newest bar, with which a next day begins.';
