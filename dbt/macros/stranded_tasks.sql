{# By the desk's own function, which knows what each kind of task asks of a runner. #}
{% macro stranded_tasks() %}
(
  select job_id, kind, remedy from desk.stranded_tasks()
)
{% endmacro %}
