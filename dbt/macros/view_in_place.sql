{#
  A view is replaced in place. dbt's own way, rename and drop, takes the view away from under its readers,
  and drops whatever stands on it. Columns can only be added at the end this way; for any other change of
  columns `--full-refresh` drops the view, and what stands on it, in the transaction that makes it anew.
#}
{% materialization view, adapter='postgres' %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='view') -%}
  {%- set rebuild = should_full_refresh() or (existing is not none and not existing.is_view) -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% call statement('main') -%}
    {%- if rebuild and existing is not none %}
    drop {{ existing.type }} if exists {{ existing }} cascade;
    {%- endif %}
    {{ replace_view(target, sql) }}
  {%- endcall %}

  {% do apply_grants(target, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=False)) %}
  {% do persist_docs(target, model) %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% macro replace_view(relation, sql) %}
do $replace_view$
begin
  create or replace view {{ relation }}
  {%- if config.get('contract').enforced %}
    {{ get_assert_columns_equivalent(sql) }}
  {%- endif %}
  as (
    {{ sql }}
  );
exception
  when invalid_table_definition then
    raise exception using
      errcode = 'invalid_table_definition',
      message = '{{ relation.identifier }} has other columns than before: ' || sqlerrm,
      hint = 'Run dbt again with --full-refresh: it drops the view, and what stands on it, and makes them anew.';
end
$replace_view$;
{% endmacro %}
