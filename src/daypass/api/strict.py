"""What every body that is sent to us keeps to. It knows none of them: `models` and the routes say what is in each."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import PydanticCustomError

from daypass.domain.deciding import NUL

T = TypeVar("T")


def without_nul(said: T) -> T:
    """What was sent for one field. Raise where its text, or a part of it, holds a NUL: no store of ours has to."""
    match said:
        case str():
            if NUL in said:
                raise PydanticCustomError("nul", "Text holds no NUL character (U+0000)")
        case list():
            for part in said:
                without_nul(part)
        case dict():
            without_nul([*said, *said.values()])
    return said


class Strict(BaseModel):
    """What is sent to us: unknown keys are refused, what is of another type (`"60000"` and `true` are no numbers), and
    text that no store could keep."""

    model_config = ConfigDict(extra="forbid", strict=True)

    _no_nul = field_validator("*")(without_nul)
