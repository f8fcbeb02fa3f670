{# By the desk's own function, because PostgreSQL shows a reader only the transactions of roles that the reader has. #}
{% macro oldest_transaction_age() %}
(
  select age from desk.oldest_transaction()
)
{% endmacro %}
