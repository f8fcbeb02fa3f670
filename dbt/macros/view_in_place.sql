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
    {{ replace_view(target, sql, dropped=existing if rebuild else none) }}
  {%- endcall %}

  {% do apply_grants(target, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=False)) %}
  {% do persist_docs(target, model) %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% macro replace_view(relation, sql, dropped) %}
do $replace_view$
begin
  {%- if dropped is not none %}
  drop {{ dropped.type }} if exists {{ dropped }} cascade;
  {%- endif %}
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
  when lock_not_available or deadlock_detected then
    raise exception using
      errcode = sqlstate,
      message = '{{ relation.identifier }} is busy with readers: ' || sqlerrm,
      hint = 'Run dbt again: dbt retry makes the views that are missing.';
end
$replace_view$;
{% endmacro %}
