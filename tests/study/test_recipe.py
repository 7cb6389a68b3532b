"""Settings files: those that come along are valid, wrong ones are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ldviz.errors import InputError
from ldviz.study.recipe import Recipe, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_valid_and_named_after_its_file(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert set(recipe.analysis.timesteps) <= set(range(recipe.num_train_timesteps))


def test_an_unknown_recipe_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'no recipe "cats".*digits'):
        load_recipe("cats")
    with pytest.raises(InputError, match="no recipe file"):
        load_recipe(str(tmp_path / "absent.toml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("member_fraction = 0.5", "member_fraction = 50", r"`data\.member_fraction`.*got 50"),
        ("kl_weight = 1e-2", "kl_wieght = 1e-2", r"`autoencoder\.kl_wieght`"),
        ("epochs = 120", "", r"`autoencoder\.epochs`"),
        ("[data]", "[data", "not valid TOML"),
        ('name = "digits"', 'name = "../digits"', r"`name`"),
        ("batch_size = 32", "batch_size = 32\nshards = 0", r"`autoencoder\.shards`.*got 0"),
        (
            "batch_size = 64",
            "batch_size = 64\nshards = 65",
            r"`denoiser`.*`shards` = 65 is more .*`batch_size` = 64",
        ),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    from importlib import resources

    text = (resources.files("ldviz") / "recipes" / "digits.toml").read_text()
    assert old in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        load_recipe(str(path))


def test_settings_that_say_nothing_of_shards_are_written_as_ever() -> None:
    """So that trainings from before it could be chosen are still told apart and continued."""
    digits, own = (load_recipe(name).model_dump(mode="json") for name in ("digits", "own"))
    for part in ("autoencoder", "denoiser"):
        assert "shards" not in digits[part]
        assert own[part]["shards"] > 1
    for content in (digits, own):
        assert Recipe.model_validate(content) == load_recipe(content["name"])
