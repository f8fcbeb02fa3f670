-- What an engine measures, named once: recording, reproductions, stitched results and grants read this type.

create type desk.raw_metrics as (
  starting_cash         double precision,
  ending_value          double precision,
  sessions              bigint,
  return_count          bigint,
  return_mean           double precision,
  return_m2             double precision,
  return_m3             double precision,
  return_m4             double precision,
  downside_m2           double precision,
  tail_count            bigint,
  tail_sum              double precision,
  tail_return           double precision,
  max_drawdown          double precision,
  max_drawdown_sessions bigint,
  total_orders          bigint,
  total_trades          bigint,
  winning_trades        bigint,
  losing_trades         bigint,
  gross_profit          double precision,
  gross_loss            double precision,
  trade_profit_sum      double precision,
  trade_profit_m2       double precision,
  total_fees            double precision,
  traded_value          double precision,
  exposed_sessions      bigint,
  block_counts          integer[],
  block_sums            double precision[],
  block_squares         double precision[],
  benchmark_return      double precision,
  benchmark_mean        double precision,
  benchmark_m2          double precision,
  benchmark_comoment    double precision,
  engine_metrics        jsonb,
  bars                  bigint,
  duration              double precision
);
comment on type desk.raw_metrics is
  'Raw metrics as engines send them. Each is a column of backtest_results with the same name and type, and described '
  'there; one migration adds both.';
