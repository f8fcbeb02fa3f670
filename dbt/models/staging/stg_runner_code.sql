with source as (
  select * from {{ source('desk', 'runner_code') }}
),

final as (
  select
    runner_id,
    code_version_id
  from source
)

select * from final
