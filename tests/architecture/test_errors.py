"""What every exception of the package promises."""

import inspect
import pickle
from pathlib import Path

import pytest

from threadline import errors


def _tree(root: type[BaseException]) -> list[type[BaseException]]:
    found = [root]
    for child in root.__subclasses__():
        found += _tree(child)
    return found


def _example(error: type[BaseException]) -> BaseException:
    """Make one, with an argument of the right kind for each parameter."""
    if "__init__" not in vars(error):
        return error("said plainly")
    parameters = inspect.signature(error).parameters.values()
    by_name = {p.name: _value(str(p.annotation)) for p in parameters if p.kind is p.KEYWORD_ONLY}
    in_order = [_value(str(p.annotation)) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return error(*in_order, **by_name)


def _value(annotation: str) -> object:
    values = {"Path": Path("conversations.db"), "int": 3, "float": 1.5, "Sequence": ("a", "b")}
    values |= {"tuple": ("a", "b"), "Mapping": {"a": "b"}, "dict": {"a": "b"}}
    return next((value for kind, value in values.items() if kind in annotation), "text")


@pytest.mark.parametrize("error", _tree(errors.ThreadlineError), ids=lambda error: error.__name__)
def test_errors_survive_pickling(error: type[BaseException]) -> None:
    """An error comes whole out of a process pool: its kind, its data and its sentence."""
    original = _example(error)
    copy = pickle.loads(pickle.dumps(original))
    assert type(copy) is type(original)
    assert copy.args == original.args
    assert vars(copy) == vars(original)
    assert str(copy) == str(original)


def test_errors_are_listed_in_the_tree_of_the_docstring() -> None:
    """Who looks for the exception to catch finds all of them at the top of the module."""
    names = [error.__name__ for error in _tree(errors.ThreadlineError)]
    assert [name for name in names if name not in str(errors.__doc__)] == []
