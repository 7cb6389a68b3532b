"""Settings of the images of a study: which ones, at what size, and who is a member."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

OWN_IMAGES = "images"

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
_OWN_ONLY = (
    "place",
    "config",
    "split",
    "member_split",
    "held_out_split",
    "image_column",
    "caption_column",
    "label_column",
    "split_file",
    "num_members",
    "num_held_out",
    "centre_crop",
)


class DataSettings(BaseModel):
    """Which images, at what size, and who is a member.

    Attributes:
        source: a set that comes with ldviz, or "images" for those at ``place``.
        image_size: side in pixels, after cropping and resizing.
        num_images: keeps that many, evenly spaced through the source; None keeps all.
        member_fraction, seed: of the split, stratified by class where there are classes.
        place: folder, zip or tar archive, folder of a saved data set, or a hub id.
        config: configuration of a hub's data set, where it has several.
        split: which of a data set's splits to halve; None takes "train", or the only one.
        member_split, held_out_split: splits of a data set, or folders, that are the two
            sides; folders are called "member" and "held_out" unless these say otherwise.
        split_file: npz file with ``mia_train_idxs`` (members) and ``mia_eval_idxs``
            (held-out), positions in the source's order, as arXiv:2511.20592 publishes them.
        num_members, num_held_out: keep that many of each side, the same share of each class.
        image_column, caption_column, label_column: columns of a data set; None looks for them.
        centre_crop: cuts that many pixels from the middle before anything is resized.
        fit: "crop" resizes the shorter side and cuts the middle, "stretch" resizes both sides.
        resample: filter of the resizing.
        colour: "auto" keeps one channel if every image is grey, and three otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = OWN_IMAGES
    image_size: Positive = 32
    num_images: Positive | None = None
    member_fraction: Fraction = 0.5
    seed: int = 0
    place: str | None = None
    config: str | None = None
    split: str | None = None
    member_split: str | None = None
    held_out_split: str | None = None
    split_file: str | None = None
    num_members: Positive | None = None
    num_held_out: Positive | None = None
    image_column: str | None = None
    caption_column: str | None = None
    label_column: str | None = None
    centre_crop: Positive | None = None
    fit: Literal["crop", "stretch"] = "crop"
    resample: Literal["bilinear", "bicubic", "lanczos"] = "bicubic"
    colour: Literal["auto", "grey", "rgb"] = "auto"

    @property
    def is_own(self) -> bool:
        """Whether the images lie at a place, rather than coming with ldviz."""
        return self.source == OWN_IMAGES

    @model_validator(mode="after")
    def _agree(self) -> DataSettings:
        given = [name for name in _OWN_ONLY if getattr(self, name) is not None]
        if given and not self.is_own:
            raise ValueError(f'`{given[0]}` needs `source = "{OWN_IMAGES}"`')
        if (self.member_split is None) != (self.held_out_split is None):
            raise ValueError("`member_split` and `held_out_split` go together")
        if self.split is not None and self.member_split is not None:
            raise ValueError("`split` is halved, `member_split` is a side; give one of them")
        if self.split_file is not None and self.member_split is not None:
            raise ValueError("`split_file` and `member_split` both say who is a member; give one")
        return self


def place_title(place: str) -> str:
    """A short name for a place: the last part of its path, without endings of archives."""
    name = place.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"\.(zip|tar|tar\.gz|tgz|tar\.bz2)$", "", name) or place
