"""A folder of class folders: `PATH/train/cat/1.jpg`, `PATH/val/…`, or `PATH/cat/1.jpg`."""

from pathlib import Path

import numpy as np

from reslab.data.finding import find_images
from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.names import pack_names
from reslab.data.reading import display_path
from reslab.data.sources.files import FileStore
from reslab.data.sources.folder import fail, list_class_folders
from reslab.data.sources.parts import PART_NAMES, Splitting, assemble
from reslab.errors import DataError

KIND = "class folders"


def open_class_folders(root: Path, splitting: Splitting) -> ImageCollection:
    """List the images of every part and class, in sorted order; the folders' names are the classes.

    Raises:
        DataError: if a folder cannot be read or holds no image, a part is there twice, or has a
            class that is not trained on.
    """
    folders = find_part_folders(root) or {None: root}
    classes = {part: list_class_folders(folder) for part, folder in folders.items()}
    trained_on = classes.get("train", classes.get(None, []))
    class_names = tuple(folder.name for folder in trained_on)
    found = {}
    for part, class_folders in classes.items():
        unknown = sorted({folder.name for folder in class_folders} - set(class_names))
        if unknown:
            raise DataError(
                f"{display_path(folders[part])} has the class {unknown[0]!r}, which the training "
                "part has not: remove its folder or add images to train on"
            )
        found[part] = _list_images(root, class_folders, class_names)
    return assemble(str(root), KIND, class_names, found, splitting)


def find_part_folders(root: Path) -> dict[str | None, Path]:
    """The folders of the parts, if there is one to train on; else none.

    Raises:
        DataError: if two folders are the same part, such as `val` and `valid`.
    """
    found: dict[str | None, Path] = {}
    for name, part in PART_NAMES.items():
        folder = root / name
        if not folder.is_dir():
            continue
        if part in found:
            raise DataError(
                f"{display_path(root)} holds both {found[part].name} and {name}: keep one of them"
            )
        found[part] = folder
    return found if "train" in found else {}


def _list_images(root: Path, folders: list[Path], class_names: tuple[str, ...]) -> ImageSet:
    numbers = {name: number for number, name in enumerate(class_names)}
    names: list[str] = []
    labels: list[int] = []
    for folder in folders:
        of_class = [str(path.relative_to(root)) for path in find_images([folder], fail)]
        names += of_class
        labels += [numbers[folder.name]] * len(of_class)
    return ImageSet(FileStore(str(root), pack_names(names)), np.array(labels, dtype=np.int64))
