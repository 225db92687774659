"""The garbage collector rests meanwhile, and is afterwards as it was."""

import gc
from collections.abc import Iterator

import pytest

from jug import collector
from jug.collector import importing, without_collector


@pytest.fixture(autouse=True)
def collector_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.unfreeze()
    monkeypatch.setattr(collector, "_is_frozen", False)
    yield
    gc.unfreeze()
    (gc.enable if was_enabled else gc.disable)()


@pytest.mark.parametrize("rest", [without_collector, importing])
@pytest.mark.parametrize("begin", [gc.enable, gc.disable])
def test_it_rests_and_is_then_as_it_was(rest, begin) -> None:
    begin()
    before = gc.isenabled()

    with pytest.raises(ValueError), rest():
        assert not gc.isenabled()
        raise ValueError

    assert gc.isenabled() == before


def test_what_an_import_has_left_is_old_at_once_and_nothing_is_frozen() -> None:
    with importing():
        left = [[]]

    assert gc.get_freeze_count() == 0
    assert any(one is left for one in gc.get_objects(generation=2))


def test_what_somebody_has_frozen_stays_so() -> None:
    gc.freeze()
    count = gc.get_freeze_count()

    with importing():
        pass

    assert gc.get_freeze_count() == count > 0
