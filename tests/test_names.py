"""What the code of the notebooks means by a name: functions take what they use, and no name has two meanings."""

import ast
import symtable

import pytest

from helpers.files import COURSE
from tools import notebooks

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp,
          ast.DictComp)  # fmt: skip
UNNAMED = ("lambda", "genexpr", "listcomp", "setcomp", "dictcomp")  # what symtable calls functions without a name
TWO_MEANINGS = {"fit": "a lesson's training loop, which train_or_load takes as an argument: only lessons have one"}


def cells(path):
    """The source of each code cell of a notebook."""
    return [cell.source for cell in notebooks.code_cells(notebooks.read(path))]


# Functions take what they use


def variables(source):
    """Names that a cell gives a value at its top level, CONSTANTS apart: not those of functions, classes, imports."""
    found, nodes = set(), list(ast.parse(source).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not node.id.isupper():
            found.add(node.id)
        elif not isinstance(node, SCOPES):
            nodes += ast.iter_child_nodes(node)
    return found


def taken_from_outside(source):
    """{function or method: names that it, or what is inside it, takes from the notebook} of a cell."""
    found = {}

    def look(table, within=None):
        if within is None and isinstance(table, symtable.Function) and table.get_name() not in UNNAMED:
            within = found.setdefault(table.get_name(), set())
        if within is not None:
            within |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        for inner in table.get_children():
            look(inner, within)

    look(symtable.symtable(source, "cell", "exec"))
    return found


def readers(sources):
    """["function reads a, b"] for each function of a notebook that reads variables of the notebook."""
    known = set().union(*map(variables, sources))
    pairs = [pair for source in sources for pair in taken_from_outside(source).items()]
    return [f"{name} reads {', '.join(sorted(names & known))}" for name, names in pairs if names & known]


@pytest.mark.parametrize("path", notebooks.paths(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_functions_take_what_they_use(path):
    assert "; ".join(readers(cells(path))) == ""


@pytest.mark.parametrize(
    "bad",
    [
        "def f(x):\n    return x.to(device)",
        "class A:\n    def f(self):\n        return [device for _ in range(3)]",
        "def f(x):\n    return lambda: device",
        "def f(x):\n    def g():\n        return device\n    return g",
        "if True:\n    @cached\n    def f(x, y=1):\n        return (i + device for i in x)",
        "async def f(x):\n    return device",
    ],
)
@pytest.mark.parametrize("given", ["device = 1", "for device in (1, 2):\n    pass", "with a() as (b, device):\n    1"])
def test_a_function_that_reads_a_variable_is_noticed(bad, given):
    (sentence,) = readers([given, bad])
    assert sentence == "f reads device"


@pytest.mark.parametrize(
    "good",
    [
        "def f(x, device):\n    return x.to(device)",
        "def f(x, device=device):\n    return x.to(device)",
        "show(lambda x: x.to(device))",
        "def f(x):\n    device = 2\n    return x.to(device)",
        "def f(x):\n    return x.device",
        "def f(x):\n    return math.pi * SIZE + g(x)",
        "values = [device for _ in range(3)]",
    ],
)
def test_a_function_that_takes_it_is_not(good):
    assert readers(["import math\nSIZE = 3\ndevice = 1", "def g(x):\n    return x", good]) == []


# No name has two meanings


def definitions(source):
    """[(name, body without docstring)] of the public functions and classes at the top level of `source`."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            rest = node.body[1:] if ast.get_docstring(node) is not None else node.body
            inputs = node.args if isinstance(node, ast.FunctionDef) else ast.Tuple(node.bases)
            found.append((node.name, "\n".join(map(ast.dump, [inputs, *rest]))))
    return found


def meanings(places):
    """{name: places that define it} of the names with different definitions; places: {place: source}."""
    found = {}
    for place, source in places.items():
        for name, body in definitions(source):
            found.setdefault(name, {}).setdefault(body, []).append(place)
    return {
        name: sorted({place for some in bodies.values() for place in some})
        for name, bodies in sorted(found.items())
        if len(bodies) > 1
    }


def places():
    """{place: source} of the lessons and of the helpers that they import; helpers/lessons is made from the lessons."""
    found = {path.stem: "\n\n".join(cells(path)) for path in notebooks.lessons()}
    for path in (COURSE / "helpers").glob("*.py"):
        found[f"helpers.{path.stem}"] = path.read_text(encoding="utf-8")
    return found


def test_no_name_has_two_meanings():
    assert {name: where for name, where in meanings(places()).items() if name not in TWO_MEANINGS} == {}


def test_the_list_of_names_with_two_meanings_is_no_longer_than_it_must_be():
    assert set(TWO_MEANINGS) - set(meanings(places())) == set(), "these have one meaning now"


def test_two_meanings_are_noticed():
    a, b = "def f(x):\n    'A.'\n    return x\nclass C:\n    pass", "def f(x):\n    'B.'\n    return x\nC = 1\n"
    assert meanings({"a": a, "b": b}) == {}
    assert meanings({"a": a, "b": b, "c": "def f(x):\n    return x + 1"}) == {"f": ["a", "b", "c"]}
    assert meanings({"a": a, "b": "class C(B):\n    pass"}) == {"C": ["a", "b"]}
    assert meanings({"a": f"{a}\ndef f(y):\n    return y"}) == {"f": ["a"]}
