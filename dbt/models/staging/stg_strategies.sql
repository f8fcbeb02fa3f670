with source as (
  select * from {{ source('desk', 'strategies') }}
),

final as (
  select
    id as strategy_id,
    code,
    name,
    title,
    hypothesis,
    engine,
    priority,
    status,
    reason,
    tags,
    created_at,
    updated_at
  from source
)

select * from final
