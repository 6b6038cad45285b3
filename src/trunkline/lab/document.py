"""Reading a scenario file, of the lab or of the market."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

Document = TypeVar("Document")


def shipped(folder: Path) -> list[str]:
    """Names of the scenarios in the package."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(name: str, folder: Path, kind: type[Document], refuse: type[Exception]) -> tuple[Path, Document]:
    """A scenario by file, or by the name of one shipped in `folder`; and where it was found. Raises `refuse` with the place and the fix."""
    path = Path(name)
    if not path.is_file():
        path = folder / f"{name}.yaml"
    try:
        return path, msgspec.convert(yaml.load(path.read_text(), Loader=yaml.CSafeLoader), kind)
    except OSError as error:
        raise refuse(f"no scenario {name}; give a file, or one of {', '.join(shipped(folder))}") from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise refuse(f"{path}: {error}") from error
