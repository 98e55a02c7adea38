"""Registries without a list: each module of a package offers one thing under a name that all share.

A new one is there as soon as its file is.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def discover(package: ModuleType, attribute: str, kind: type[Any]) -> list[Any]:
    """What the modules of `package` offer under the name `attribute`, by module name.

    That is a `kind`, or a class of it. A module without that name is no entry (a base class lives
    there). Raises TypeError for one that offers something else.
    """
    found = []
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        entry = getattr(module, attribute, None)
        if entry is None:
            continue
        if not issubclass(entry if isinstance(entry, type) else type(entry), kind):
            raise TypeError(f"{module.__name__}.{attribute} is no {kind.__name__}")
        found.append(entry)
    return found
