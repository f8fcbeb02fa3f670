"""How modules of the user's strategies are imported: as `user_strategies`, and by their folder's own name."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

USER_PACKAGE = "user_strategies"
_OURS = frozenset({"backdesk", "runners", "strategies", "streamlit_app", USER_PACKAGE})


class OtherPackage(Exception):
    """The folder's name means another package here; the message says which."""


def own_name(folder: Path) -> str | None:
    """The name by which a folder's modules may import each other where it is a package, with `__init__.py`.

    None for names of the desk's or of Python's, which go on to mean what they mean.
    """
    name = folder.name
    taken = name in _OURS or name in sys.stdlib_module_names
    return None if taken or not name.isidentifier() or not (folder / "__init__.py").is_file() else name


def make_importable(folder: Path) -> None:
    """Lets the folder's modules be imported by its own name, installed or not; raises OtherPackage.

    What is imported is then what `code_version` hashes, and not some other copy of it. Also `import helper`
    finds a file of the folder, unless another module has that name.
    """
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    name = own_name(folder)
    if name is None:
        return
    source = folder / "__init__.py"
    loaded = sys.modules.get(name)
    found = loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)
    # Without an origin it is a mere folder on sys.path, which any package goes before.
    if found is not None and found.origin is not None:
        if Path(found.origin).resolve() != source.resolve():
            raise OtherPackage(
                f"{folder}: {name} is also the name of {found.origin}; rename the folder, "
                "or, if that is a copy of it, install it with pip install -e"
            )
        return
    spec = importlib.util.spec_from_file_location(name, source, submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def user_package(*folders: Path) -> types.ModuleType:
    """The package `user_strategies`, whose modules lie in these folders."""
    package = types.ModuleType(USER_PACKAGE)
    package.__path__ = [str(folder) for folder in folders]
    sys.modules[USER_PACKAGE] = package
    return package
