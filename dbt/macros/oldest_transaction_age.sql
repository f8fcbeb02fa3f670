{# PostgreSQL shows a reader only the transactions of roles that the reader has, unless it is in pg_read_all_stats. #}
{% macro oldest_transaction_age() %}
(
  select date_trunc('second', now() - min(xact_start))
  from pg_catalog.pg_stat_activity
  where datname = current_database()
    and backend_type = 'client backend'
    and pid <> pg_backend_pid()
)
{% endmacro %}
