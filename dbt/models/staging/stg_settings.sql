with source as (
  select * from {{ source('desk', 'settings') }}
),

final as (
  select
    name,
    value,
    description
  from source
)

select * from final
