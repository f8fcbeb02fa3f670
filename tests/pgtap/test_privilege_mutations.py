"""The privilege tests notice what is granted, opened or taken away behind their back."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.desks import Desk
from tests.pgtap import tap

FOLDER = Path(__file__).parent
MUTATIONS = (
    ("grant select on desk.jobs to desk_runner", "test_privileges"),
    ("grant delete on desk.backtest_results to desk_director", "test_privileges"),
    ("grant select on desk.settings to public", "test_privileges"),
    ("grant truncate on desk.crisis_windows to desk_director", "test_privileges"),
    ("grant usage on sequence desk.jobs_id_seq to desk_viewer", "test_privileges"),
    ("grant update (state) on desk.jobs to desk_director", "test_privileges"),
    ("revoke select on desk.jobs from desk_viewer", "test_privileges"),
    ("revoke insert (priority) on desk.jobs from desk_director", "test_privileges"),
    ("grant execute on function desk.close_run(bigint, text, text) to desk_runner", "test_privileges"),
    ("grant execute on function desk.cancel_job(bigint) to public", "test_privileges"),
    ("grant select on desk.jobs to desk_viewer with grant option", "test_privileges"),
    ("grant execute on function desk.prune(integer) to desk_director with grant option", "test_privileges"),
    ("revoke execute on function desk.advance_runs(bigint) from desk_runner", "test_privileges"),
    ("alter function desk.cancel_job(bigint) security invoker", "test_privileges"),
    ("alter function desk.prune(integer) owner to current_user", "test_privileges"),
    ("alter table desk.jobs owner to current_user", "test_privileges"),
    ("create function desk.mine() returns int language sql as 'select 1'", "test_contracts"),
    ("alter function desk.cancel_job(bigint) reset search_path", "test_contracts"),
    ("grant create on schema desk to desk_director", "test_roles"),
    ("grant usage on schema desk to public", "test_roles"),
    ("grant usage on schema analytics to desk_runner", "test_roles"),
    ("grant create on schema marts to desk_dbt", "test_roles"),
    ("alter role desk_director set search_path = desk, analytics", "test_roles"),
    ("alter role desk_runner createrole", "test_roles"),
    ("grant desk_director to desk_runner", "test_roles"),
    ("grant pg_read_all_data to desk_viewer", "test_roles"),
)  # fmt: skip


@pytest.mark.sql
@pytest.mark.parametrize(("statement", "noticed_by"), MUTATIONS, ids=[one for one, _ in MUTATIONS])
def test_it_is_noticed(pgtap_desk: Desk, tmp_path: Path, statement: str, noticed_by: str) -> None:
    path = tmp_path / f"{noticed_by}.sql"
    path.write_text(f"{statement};\n{(FOLDER / path.name).read_text(encoding='utf-8')}")
    with pgtap_desk.connect("admin") as admin, pytest.raises(tap.TapError, match=r"[1-9]\d* of \d+ failed"):
        tap.run_file(admin, path)
