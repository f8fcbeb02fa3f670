{# The present, in one place, so that a unit test can stop the clock. #}
{% macro desk_now() %}now(){% endmacro %}
