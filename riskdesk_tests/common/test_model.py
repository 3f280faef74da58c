from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
from pydantic import model_validator

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.model import StrictModel


class Never(StrictModel):
    size: int

    @model_validator(mode="after")
    def _refused(self) -> Never:
        raise ValueError("never fits")


class Held:
    """Stands for whatever a caller's frame holds while it handles an error: a connection, a frame of a million rows."""


def test_a_refused_file_keeps_nothing_of_its_callers_alive(tmp_path: Path) -> None:
    """pydantic's error is opaque to the garbage collector; with its cause's traceback it kept every frame that handled it."""
    path = tmp_path / "never.yaml"
    path.write_text("size: 3\n")

    def caller() -> weakref.ref[Held]:
        held = Held()
        with pytest.raises(InputError, match="never fits") as told:
            strict_yaml.validate(strict_yaml.load(path), Never)
        assert told.value.__cause__ is not None
        kept = told.value  # a local that holds the error closes the circle
        assert kept.problems
        return weakref.ref(held)

    seen = caller()
    gc.collect()
    assert seen() is None
