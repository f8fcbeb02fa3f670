-- The desk's settings: the director may change values, not break them.

select plan(8);
set local role desk_director;
select lives_ok($$update settings set value = '30' where name = 'lease_seconds'$$, 'a number may be another number');
select lives_ok($$update settings set value = '"America/New_York"' where name = 'time_zone'$$, 'the days may be New York''s');
select is(tap.refusal($$update desk.settings set value = '"soon"' where name = 'lease_seconds'$$),
  '{22023,"Got \"soon\" for the setting lease_seconds",$.lease_seconds,It is of the kind of 30.}', 'not a text');
select is((tap.refusal($$update desk.settings set value = '-1' where name = 'lease_seconds'$$))[2], 'lease_seconds cannot be -1', 'nor a negative one');
select is((tap.refusal($$update desk.settings set value = '"Mars/Olympus"' where name = 'time_zone'$$))[2], 'Unknown time zone "Mars/Olympus"', 'an unknown time zone is refused');
select is((tap.refusal($$update desk.settings set value = '{"min_trads": 1}' where name = 'default_criteria'$$))[3], '$.default_criteria.min_trads', 'so is a misspelt criterion');
select throws_ok($$insert into settings values ('mine', '1', 'x')$$, '42501', null, 'settings cannot be added');
select throws_ok($$delete from settings$$, '42501', null, 'nor taken away');
