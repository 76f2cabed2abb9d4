"""Names of peers -> the modules that implement them, their versions, and why the others are not there."""

import importlib
import importlib.metadata
from dataclasses import dataclass, field
from types import ModuleType
from typing import Mapping

from protocol import describe

# peer: (our file, what has to be importable, its distribution)
SOURCES = {
    "torch": ("torch_eager", "torch", "torch"),
    "torch.compile": ("torch_compiled", "torch", "torch"),
    "triton": ("triton_peer", "triton", "triton"),
    "quack": ("quack_peer", "quack", "quack-kernels"),
    "flashinfer": ("flashinfer_peer", "flashinfer", "flashinfer-python"),
}


@dataclass
class Found:
    """versions: null where a peer is not there; reasons: why, for those alone."""

    modules: dict[str, ModuleType] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def find(sources: Mapping[str, tuple[str, str, str]] = SOURCES) -> Found:
    """Whatever a library raises when it is imported, the other peers are found."""
    found = Found()
    for peer, (file, package, distribution) in sources.items():
        found.versions[peer] = None
        try:
            library = importlib.import_module(package)
            found.modules[peer] = importlib.import_module(file)
            found.versions[peer] = version(library, distribution)
        except ModuleNotFoundError as error:
            found.reasons[peer] = "not installed" if error.name == package else f"{error.name} is not installed"
        except Exception as error:
            found.reasons[peer] = describe(error)
    return found


def version(module: ModuleType, distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(module, "__version__", "unknown"))
