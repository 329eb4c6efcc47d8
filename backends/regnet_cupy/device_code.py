"""The CUDA source, compiled at run time, and its kernels as functions with the arguments that the source declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np

__all__ = ["FEW", "ROUND", "THREADS", "Form", "Kernels", "code_of", "defines_of", "signatures_of"]

FEW = 16
"""Inputs, or outputs, that a thread keeps in its registers."""

Dims: TypeAlias = tuple[int, ...]

_NAMES = {"int": np.int32, "long long": np.int64, "double": np.float64}


@lru_cache(maxsize=1)
def code_of() -> str:
    """The source of all kernels."""
    return (files("regnet_cupy") / "kernels.cu").read_text()


def _defined(name: str) -> int:
    found = re.search(rf"^#define {name} (\d+)", code_of(), re.MULTILINE)
    assert found is not None
    return int(found[1])


THREADS, ROUND = _defined("THREADS"), _defined("ROUND")


class Form(NamedTuple):
    """What the kernels are compiled for, beside the dtype; the defaults where it is not few, or does not matter.

    inputs, outputs: of the network; columns: units of the last hidden layer that a thread has; hidden: that layer's
    activation; drops: whether dropout follows it.
    """

    inputs: int = 1
    outputs: int = 1
    columns: int = 1
    hidden: int = 0
    drops: bool = False


def defines_of(dtype: Any, form: Form, /) -> dict[str, str]:
    """What the source wants to be told."""
    real, finfo = {"float32": "float", "float64": "double"}[np.dtype(dtype).name], np.finfo(dtype)
    least = finfo.smallest_normal / finfo.eps**2
    numbers = {"SMALLEST": finfo.smallest_normal, "LARGEST": finfo.max, "LEAST_SUM": least}
    return {
        "REAL": real,
        **{name: repr(float(number)) + ("f" if real == "float" else "") for name, number in numbers.items()},
        **{name.upper(): str(int(value)) for name, value in form._asdict().items()},
    }


@lru_cache(maxsize=1)
def signatures_of() -> dict[str, list[str]]:
    """The types of every kernel's arguments, in order: 'pointer', or the name of a number's type."""
    code = re.sub(r"//.*", "", code_of().replace("\\\n", ""))
    code = re.sub(r"TERM\((\w+)\)", r"const real *\1, long long \1_stride, long long \1_step", code)
    argument = r"(?:[A-Z_]+|(?:const )?(?:real|int|double|long long) \*?\w+)"
    lists = dict(re.findall(rf"^#define (\w+) +({argument}(?:, *{argument})+)$", re.sub(" +", " ", code), re.MULTILINE))
    kernels = re.findall(r"^KERNEL (\w+)\(([^)]*)\)", code, re.MULTILINE)
    return {name: [_type_of(one) for one in _expanded(arguments, lists)] for name, arguments in kernels}


def _expanded(arguments: str, lists: dict[str, str]) -> list[str]:
    """A list of arguments with the lists that it names, and those that these name, in it."""
    return [
        part
        for one in arguments.split(",")
        for part in (_expanded(lists[one.strip()], lists) if one.strip() in lists else [one])
    ]


def _type_of(argument: str) -> str:
    return "pointer" if "*" in argument else argument.strip().rpartition(" ")[0].strip()


@final
class Kernels:
    """The kernels compiled for a dtype and a form of networks: that takes seconds, once for all time.

    `kernels(name, grid, block, *arguments)` launches one on the current stream. Arguments are arrays or None for
    pointers, and Python numbers, which become what the source declares.
    """

    def __init__(self, cupy: Any, dtype: Any, form: Form) -> None:
        """Compile, or take what CuPy has kept on disk."""
        options = tuple(f"-D{name}={value}" for name, value in defines_of(dtype, form).items())
        module = cupy.RawModule(code=code_of(), options=("--std=c++17", *options))
        types = {**_NAMES, "real": np.dtype(dtype).type, "pointer": None}
        self._kernels: dict[str, tuple[Callable[..., Any], list[Any]]] = {
            name: (module.get_function(name), [types[one] for one in signature])
            for name, signature in signatures_of().items()
        }

    def __call__(self, name: str, grid: Dims, block: Dims, *arguments: Any) -> None:
        """Launch; raises TypeError for another number of arguments than the kernel has."""
        function, types = self._kernels[name]
        if len(arguments) != len(types):
            raise TypeError(f"{name} takes {len(types)} arguments, not {len(arguments)}")
        function(grid, block, tuple(map(_passed, types, arguments)))


def _passed(number: Any, argument: Any) -> Any:
    """An argument as CuPy passes it on: arrays and null as pointers, numbers with their type."""
    if number is not None:
        return number(argument)
    return np.uintp(0) if argument is None else argument
