-- The normal distribution, the same on every server version: erf() came with PostgreSQL 16 only.

create or replace function desk.normal_cdf(p_x double precision)
returns double precision
language plpgsql immutable strict parallel safe
set search_path = desk, pg_temp
as $$
declare
  v_x    constant double precision := abs(p_x);
  v_tail double precision;
begin
  if p_x = 'NaN' then
    return p_x;
  elsif v_x > 38 then
    v_tail := 0;
  elsif v_x < 2.2 then
    v_tail := exp(-v_x * v_x / 2)
      * ((((((3.52624965998911e-2 * v_x + 0.700383064443688) * v_x + 6.37396220353165) * v_x + 33.912866078383) * v_x
            + 112.079291497871) * v_x + 221.213596169931) * v_x + 220.206867912376)
      / (((((((8.83883476483184e-2 * v_x + 1.75566716318264) * v_x + 16.064177579207) * v_x + 86.7807322029461) * v_x
             + 296.564248779674) * v_x + 637.333633378831) * v_x + 793.826512519948) * v_x + 440.413735824752);
  else
    -- Laplace's continued fraction; ninety terms are exact to the bit this far out, where the rational form loses
    -- relative accuracy.
    v_tail := v_x;
    for k in reverse 90 .. 1 loop
      v_tail := v_x + k / v_tail;
    end loop;
    v_tail := exp(-v_x * v_x / 2) / v_tail / 2.5066282746310002;
  end if;
  return case when p_x > 0 then 1 - v_tail else v_tail end;
end
$$;
comment on function desk.normal_cdf(double precision) is
  'Probability that a standard normal variable is at most x, by Hart''s rational form (Hart et al. 1968, in the form '
  'of West 2005).';

create or replace function desk.normal_quantile(p_p double precision)
returns double precision
language plpgsql immutable strict parallel safe
set search_path = desk, pg_temp
as $$
declare
  v_q constant double precision := p_p - 0.5;
  v_r double precision;
begin
  if not p_p between 0 and 1 then
    return null;
  elsif p_p in (0, 1) then
    return case p_p when 0 then '-Infinity' else 'Infinity' end;
  end if;
  if abs(v_q) <= 0.425 then
    v_r := 0.180625 - v_q * v_q;
    return v_q
      * (((((((2.5090809287301226727e+3 * v_r + 3.3430575583588128105e+4) * v_r + 6.7265770927008700853e+4) * v_r
             + 4.5921953931549871457e+4) * v_r + 1.3731693765509461125e+4) * v_r + 1.9715909503065514427e+3) * v_r
          + 1.3314166789178437745e+2) * v_r + 3.3871328727963666080)
      / (((((((5.2264952788528545610e+3 * v_r + 2.8729085735721942674e+4) * v_r + 3.9307895800092710610e+4) * v_r
             + 2.1213794301586595867e+4) * v_r + 5.3941960214247511077e+3) * v_r + 6.8718700749205790830e+2) * v_r
          + 4.2313330701600911252e+1) * v_r + 1);
  end if;
  v_r := sqrt(-ln(case when v_q < 0 then p_p else 1 - p_p end));
  if v_r <= 5 then
    v_r := v_r - 1.6;
    v_r := (((((((7.74545014278341407640e-4 * v_r + 2.27238449892691845833e-2) * v_r + 2.41780725177450611770e-1) * v_r
               + 1.27045825245236838258) * v_r + 3.64784832476320460504) * v_r + 5.76949722146069140550) * v_r
            + 4.63033784615654529590) * v_r + 1.42343711074968357734)
      / (((((((1.05075007164441684324e-9 * v_r + 5.47593808499534494600e-4) * v_r + 1.51986665636164571966e-2) * v_r
             + 1.48103976427480074590e-1) * v_r + 6.89767334985100004550e-1) * v_r + 1.67638483018380384940) * v_r
          + 2.05319162663775882187) * v_r + 1);
  else
    v_r := v_r - 5;
    v_r := (((((((2.01033439929228813265e-7 * v_r + 2.71155556874348757815e-5) * v_r + 1.24266094738807843860e-3) * v_r
               + 2.65321895265761230930e-2) * v_r + 2.96560571828504891230e-1) * v_r + 1.78482653991729133580) * v_r
            + 5.46378491116411436990) * v_r + 6.65790464350110377720)
      / (((((((2.04426310338993978564e-15 * v_r + 1.42151175831644588870e-7) * v_r + 1.84631831751005468180e-5) * v_r
             + 7.86869131145613259100e-4) * v_r + 1.48753612908506148525e-2) * v_r + 1.36929880922735805310e-1) * v_r
          + 5.99832206555887937690e-1) * v_r + 1);
  end if;
  return case when v_q < 0 then -v_r else v_r end;
end
$$;
comment on function desk.normal_quantile(double precision) is
  'Inverse of normal_cdf (Wichura 1988, algorithm AS 241, PPND16); null outside 0 to 1.';
