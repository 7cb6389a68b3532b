"""The registry: cards that cannot be used are refused, plugins load or say why not."""

import importlib.metadata
import subprocess
import sys

import pytest
from pydantic import BaseModel

from ldviz import attacks
from ldviz.attacks import registry
from ldviz.errors import InputError


class Tunable(BaseModel, frozen=True):
    power: int = 4
    steps: int = 3


def card(**changes):
    fields = {
        "name": "mine",
        "title": "Mine",
        "citation": "nobody, nowhere",
        "url": "https://example.org",
        "summary": "A test.",
        "assumptions": "None.",
        "power": 4.0,
        "has_timesteps": True,
        "default_timesteps": (0, 10),
        "parameters": Tunable,
        "queries": lambda timestep, parameters: parameters.steps,
        "entry": "somewhere:attack_vector",
        "version": 1,
    }
    return registry.Attack(**(fields | changes))


@pytest.fixture(autouse=True)
def _registry_as_it_was(monkeypatch):
    monkeypatch.setattr(registry, "_ATTACKS", dict(registry._ATTACKS))


def test_importing_attacks_masks_and_statistic_leaves_torch_alone():
    code = (
        "import sys, ldviz.attacks, ldviz.attacks.masks, ldviz.attacks.statistic;"
        "ldviz.attacks.load_plugins(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_registered_attacks_are_found_by_name_and_unknown_ones_list_them():
    mine = registry.register_attack(card())
    assert registry.get_attack("mine") is mine
    assert registry.attack_names()[-1] == "mine"
    with pytest.raises(InputError, match=r'no attack "simba". There are: sima, .*mine\.'):
        registry.get_attack("simba")


def test_a_name_is_taken_once():
    registry.register_attack(card())
    with pytest.raises(InputError, match=r'"mine" is registered already \(somewhere'):
        registry.register_attack(card(entry="other:attack_vector"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Sim A"}, "lower-case letters"),
        ({"name": ""}, "lower-case letters"),
        ({"name": "a" * 41}, "at most 40"),
        ({"summary": " "}, "`summary` is empty"),
        ({"power": 0.0}, "must be positive"),
        ({"power": float("nan")}, "must be positive"),
        ({"entry": "module.function"}, '"module:function"'),
        ({"default_timesteps": ()}, "exactly where"),
        ({"has_timesteps": False}, "exactly where"),
        ({"parameters": type("Needy", (BaseModel,), {"__annotations__": {"k": int}})}, "Needy"),
        ({"statistic_parameters": ("norm",)}, r"\['norm'\]"),
    ],
)
def test_unusable_cards_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        card(**changes)


def test_power_may_be_a_parameter_and_then_leaves_the_cache_key_alone():
    fixed, tunable = card(), card(statistic_parameters=("power",))
    assert fixed.power_for(Tunable(power=2)) == 4.0
    assert tunable.power_for(Tunable(power=2)) == 2.0
    assert tunable.power_for() == 4.0
    assert tunable.vector_parameters(Tunable(power=2)) == {"steps": 3}
    assert fixed.vector_parameters(Tunable(power=2)) == {"power": 2, "steps": 3}


def test_parameters_from_text_are_checked():
    assert card().parse_parameters({"steps": "5"}) == Tunable(steps=5)
    with pytest.raises(
        InputError, match=r"`steps`: .* got 'many'. Its parameters are: power, steps"
    ):
        card().parse_parameters({"steps": "many"})


def test_parameters_of_another_attack_are_refused():
    class Other(BaseModel, frozen=True):
        pass

    class Model:
        num_train_timesteps = 1000

    with pytest.raises(InputError, match="Mine takes Tunable, got Other"):
        card().attack_vector(Model(), [], [], 0, parameters=Other())


def test_no_timestep_axis_takes_no_timestep():
    timeless = card(has_timesteps=False, default_timesteps=())
    assert timeless.checked_timestep(None, 1000) is None
    with pytest.raises(InputError, match="no timestep axis, got timestep 10"):
        timeless.checked_timestep(10, 1000)


PLUGIN = """
from ldviz.attacks import Attack, NoParameters, register_attack
ATTACK = register_attack(Attack(
    name="{name}", title="P", citation="c", url="u", summary="s", assumptions="a", power=2.0,
    has_timesteps=True, default_timesteps=(0,), parameters=NoParameters,
    queries=lambda timestep, parameters: 1, entry="{module}:attack_vector", version=1))
{rest}
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a plugin module that imports for the length of a test."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(module, text=None, *, name="plugged", rest=""):
        text = PLUGIN.format(name=name, module=module, rest=rest) if text is None else text
        (tmp_path / f"{module}.py").write_text(text)
        written.append(module)
        return module

    yield write
    for module in written:
        sys.modules.pop(module, None)


def test_a_plugin_module_registers_its_attack_and_loading_again_is_free(plugin):
    module = plugin("plugin_good")
    assert attacks.load_plugins([module]) == ("plugged",)
    assert attacks.load_plugins([module]) == ()
    assert attacks.get_attack("plugged").title == "P"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_this_name", '"plugin_bad": ModuleNotFoundError: No module named'),
        ("x = 1", "registers no attack"),
        (PLUGIN.format(name="sima", module="m", rest=""), '"sima" is registered already'),
        (PLUGIN.format(name="half", module="m", rest="1 / 0"), "ZeroDivisionError"),
    ],
)
def test_a_plugin_that_fails_says_why_and_leaves_nothing(plugin, text, message):
    names = attacks.attack_names()
    module = plugin("plugin_bad", text)
    for _ in range(2):
        with pytest.raises(InputError, match=message):
            attacks.load_plugins([module])
        assert attacks.attack_names() == names


def test_a_missing_plugin_does_not_keep_the_others_out(plugin):
    module = plugin("plugin_good")
    with pytest.raises(InputError, match='Could not load the attack plugin "no_such_plugin"'):
        attacks.load_plugins(["no_such_plugin", module])
    assert "plugged" in attacks.attack_names()


@pytest.mark.parametrize("value", ["plugin_entry", "plugin_entry:ATTACK"])
def test_entry_points_name_a_module_or_an_attack(plugin, monkeypatch, value):
    plugin("plugin_entry")
    point = importlib.metadata.EntryPoint("mine", value, registry.ENTRY_POINT_GROUP)
    asked = []

    def entry_points(*, group):
        asked.append(group)
        return [point]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert attacks.load_plugins() == ("plugged",)
    assert attacks.load_plugins() == ()
    assert asked == ["ldviz.attacks"] * 2


def test_an_entry_point_to_something_else_is_refused(plugin, monkeypatch):
    plugin("plugin_entry", rest="NUMBER = 3")
    point = importlib.metadata.EntryPoint("mine", "plugin_entry:NUMBER", "ldviz.attacks")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [point])
    with pytest.raises(InputError, match="is a int, not a module or an Attack"):
        attacks.load_plugins()
    assert "plugged" not in attacks.attack_names()
