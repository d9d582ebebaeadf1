{#- Schemas are named as configured (`mart`, not `main_mart`): they are what readers type. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
