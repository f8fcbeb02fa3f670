with source as (
  select * from {{ source('desk', 'code_versions') }}
),

final as (
  select
    id as code_version_id,
    strategy_id,
    code_hash,
    registered_at
  from source
)

select * from final
