-- What the best of trials without skill would have, in standard errors of a Sharpe ratio: the expected value, and
-- the whole distribution. Trials are alike by r: each is sqrt(r) of what all share and sqrt(1 - r) of its own.

create or replace function desk.chance_above(p_y double precision, p_trials double precision)
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
declare
  v_above constant double precision := desk.normal_cdf(-p_y);
  -- Of all of them: -ln(1 - chance) adds up, and stays exact where the chance is tiny.
  v_sum   constant double precision := p_trials * case when v_above < 1e-6 then v_above * (1 + v_above / 2)
    else -ln(greatest(1 - v_above, 1e-300)) end;
begin
  return case when v_sum < 1e-5 then v_sum * (1 - v_sum / 2) else 1 - exp(-least(v_sum, 700)) end;
end
$$;
comment on function desk.chance_above(double precision, double precision) is
  'Chance that the largest of so many independent normal variables is above a value.';

drop function if exists desk.expected_maximum(double precision, double precision);
create function desk.expected_maximum(p_trials double precision, p_correlation double precision default 0)
returns double precision
language sql immutable strict
set search_path = desk, pg_temp
as $$
  -- Mean of the largest of N normal variables: the integral of P(largest > y) - [y < 0], by the midpoints of steps of
  -- 0.1, which of so smooth a function is exact to a dozen digits.
  select case when p_trials <= 1 then 0 else sqrt(1 - greatest(0, least(1, p_correlation))) * 0.1 * (
    select sum(desk.chance_above((k + 0.5) / 10, p_trials) - case when k < 0 then 1 else 0 end)
    from generate_series(-90, 99) as k) end
$$;
comment on function desk.expected_maximum(double precision, double precision) is
  'What the best of so many trials without skill is expected to have, in standard errors: sqrt(1 - r) times the mean '
  'of the largest of N normal variables; 0 for one trial.';

create or replace function desk.noise_distribution(p_trials double precision[], p_correlations double precision[])
returns double precision[]
language sql immutable strict
set search_path = desk, pg_temp set jit = off
as $$
  -- A group: sqrt(r) x + sqrt(1 - r) y with y the best of its trials' own parts. Over y, since P(best > y) is the same
  -- for every value asked about: the sum of density(x) P(best > y). Groups are independent, and so are their chances.
  with groups as (
    -- Many windows take no longer than a few: from the 8th largest on they count as alike.
    select avg(g.n) as n, least(avg(g.r), 0.999999) as r, count(*) as times
    from (
      select u.n, greatest(0, u.r) as r, row_number() over (order by u.n desc, u.r) as place
      from unnest(p_trials, p_correlations) as u (n, r)
      where u.n > 0 and (select sum(n) > 1 from unnest(p_trials) as t (n))
    ) as g
    group by least(g.place, 8)
  ), best as materialized (
    select g.n, g.times, g.r, sqrt(1 - g.r) as own, (1 - g.r) / (2 * nullif(g.r, 0)) as narrow, c.chances
    from groups as g
    cross join lateral (
      select array_agg(desk.chance_above(k / 10.0::float8, g.n) order by k) as chances
      from generate_series(-80, 95) as k
      where g.r >= 0.0065
    ) as c
  ), chances as materialized (
    select a.k, b.times, case
      -- So little that they share moves nothing, and its density would fall between two nodes.
      when b.r < 0.0065 then desk.chance_above(a.x, b.n)
      else 0.1 * sqrt(b.narrow / pi()) * (
          select sum(u.chance * exp(-least(300, b.narrow * (a.x / b.own + 8.1 - u.k / 10.0::float8)
            * (a.x / b.own + 8.1 - u.k / 10.0::float8))))
          from unnest(b.chances) with ordinality as u (chance, k))
        + desk.normal_cdf((-8.05 - a.x / b.own) * sqrt(2 * b.narrow)) end as chance
    from best as b
    cross join (select k, k / 5.0::float8 as x from generate_series(-25, 45) as k) as a
  ), summed as (
    select c.k, sum(c.times * case when c.chance < 1e-8 then c.chance
      else -ln(greatest(1 - c.chance, 1e-300)) end) as value
    from chances as c group by c.k
  )
  select coalesce(array_agg(ln(case when s.value < 1e-5 then greatest(s.value * (1 - s.value / 2), 1e-300)
    else 1 - exp(-least(s.value, 700)) end) order by s.k), '{}')
  from summed as s
$$;
comment on function desk.noise_distribution(double precision[], double precision[]) is
  'Distribution of the best of trials without skill, in groups of so many, each alike by its correlation: the '
  'logarithm of the chance that it is above -5, -4.8 ... 9 standard errors; empty for one trial.';

create or replace function desk.expected_maximum(p_noise double precision[])
returns double precision
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select coalesce(-5 + 0.2 * (sum(exp(u.value)) - 0.5), 0) from unnest(p_noise) as u (value)
$$;
comment on function desk.expected_maximum(double precision[]) is
  'Expected value of a distribution as noise_distribution() gives it; 0 for one trial.';

create or replace function desk.luck_p(p_z double precision, p_noise double precision[])
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
declare
  v_place double precision := (greatest(-5, least(p_z, 38)) + 5) * 5;
  -- The first of the four values that it lies among: so short a stretch of the logarithm is close to a cubic.
  v_first integer;
  f       double precision[];
begin
  if p_noise = '{}' then
    return desk.normal_cdf(-p_z);
  end if;
  v_first := greatest(1, least(floor(v_place)::integer, cardinality(p_noise) - 3));
  v_place := v_place - v_first + 1;
  f := p_noise[v_first : v_first + 3];
  return exp(greatest(-690, least(0, f[1] + v_place * (f[2] - f[1])
    + v_place * (v_place - 1) / 2 * (f[3] - 2 * f[2] + f[1])
    + v_place * (v_place - 1) * (v_place - 2) / 6 * (f[4] - 3 * f[3] + 3 * f[2] - f[1]))));
end
$$;
comment on function desk.luck_p(double precision, double precision[]) is
  'Chance that the best of the trials without skill is so many standard errors or more above 0, from their '
  'noise_distribution(); of one trial 1 less the probabilistic Sharpe ratio.';

create or replace function desk.luck_p(p_z double precision, p_trials double precision,
  p_correlation double precision default 0)
returns double precision
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select desk.luck_p(p_z, desk.noise_distribution(array[p_trials], array[p_correlation]))
$$;
comment on function desk.luck_p(double precision, double precision, double precision) is
  'Chance that the best of N trials without skill, alike by r, is so many standard errors or more above 0.';

create or replace function desk.noise_spread(p_trials double precision)
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
declare
  v_tail constant double precision := 2 / (9 * greatest(p_trials - 1, 1));
begin
  return (1 - v_tail + 3.090232306167813 * sqrt(v_tail)) ^ 3;
end
$$;
comment on function desk.noise_spread(double precision) is
  'How many times the variance of noise the variance of so many trials without skill stays below, 999 times of 1,000 '
  '(chi-squared, Wilson and Hilferty 1931).';
