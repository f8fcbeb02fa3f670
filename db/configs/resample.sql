-- Longer bars beside those that a config names.

create or replace function desk.check_resample(p_longer jsonb, p_timeframe text)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_base   constant interval := desk.bar_length(p_timeframe);
  v_longer text;
  v_path   text;
begin
  for i in 0 .. coalesce(jsonb_array_length(p_longer), 0) - 1 loop
    v_longer := p_longer ->> i;
    v_path := format('$.resample[%s]', i);
    if v_longer !~ '^[1-9][0-9]*(m|h|d|w|mo)$' then
      perform desk.refuse(format('Got %s as timeframe', to_jsonb(left(v_longer, 20))), v_path,
        'Write a number and m, h, d, w or mo: 1w.');
    end if;
    if desk.bar_length(v_longer) <= v_base then
      perform desk.refuse(format('Bars of %s cannot be made of bars of %s', v_longer, p_timeframe), v_path,
        'Name a longer timeframe, or run on shorter bars: timeframe.');
    elsif v_longer ~ '(m|h)$' and (extract(epoch from desk.bar_length(v_longer))::bigint
        % extract(epoch from v_base)::bigint <> 0 or 86400 % extract(epoch from desk.bar_length(v_longer))::bigint <> 0)
      or v_longer ~ '[0-9](d|w)$' and v_longer not in ('1d', '1w')
      or v_longer ~ 'mo$' and 12 % replace(v_longer, 'mo', '')::integer <> 0
      or p_timeframe ~ '(w|mo)$' and v_longer !~ 'mo$'
    then
      perform desk.refuse(format('Bars of %s have no fixed place in bars of %s', p_timeframe, v_longer), v_path,
        'Write a multiple that divides a day, 1d, 1w, or months that divide a year.');
    end if;
    if p_longer - i @> to_jsonb(v_longer) then
      perform desk.refuse(format('%s is named twice', v_longer), v_path, 'Name each timeframe once.');
    end if;
  end loop;
end
$$;
comment on function desk.check_resample(jsonb, text) is
  'Refuses longer timeframes that bars of a length cannot be put together to.';
