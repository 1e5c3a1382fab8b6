"""A folder of class folders, as ImageNet's validation set is kept: `root/n01440764/x.JPEG`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reslab.data.finding import find_images
from reslab.data.images import SUFFIXES
from reslab.data.reading import display_path
from reslab.errors import DataError


@dataclass(frozen=True, kw_only=True)
class LabelledFiles:
    """Image files and their labels; the images stay on disk."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    """One for each path: an index into the classes."""

    def __len__(self) -> int:
        return len(self.paths)


def load_folder(root: Path, class_names: Sequence[str]) -> LabelledFiles:
    """List the images below `root`, one folder for each class, in sorted order.

    A folder belongs to the class of the same name, or to the one class whose name starts with the
    folder's and a space: `n01440764` to `n01440764 tench`. Not every class needs a folder.

    Raises:
        DataError: if `root` is not such a folder, a folder fits no class or two, or cannot be read.
    """
    folders = list_class_folders(root)
    labels_of = match_folders([folder.name for folder in folders], class_names)
    paths: list[Path] = []
    labels: list[int] = []
    for folder in folders:
        of_class = list(find_images([folder], fail))
        paths += of_class
        labels += [labels_of[folder.name]] * len(of_class)
    return LabelledFiles(paths=tuple(paths), labels=tuple(labels))


def match_folders(folders: Sequence[str], class_names: Sequence[str]) -> dict[str, int]:
    """Find the class of each folder name.

    Raises:
        DataError: listing the folders that fit no class, or more than one, or share one.
    """
    matches = {
        folder: [i for i, name in enumerate(class_names) if _fits(folder, name)]
        for folder in folders
    }
    unknown = [folder for folder, found in matches.items() if not found]
    if unknown:
        raise DataError(
            f"{len(unknown)} of {len(folders)} folders are not named after a class: "
            f"{_enumerate(unknown)}. The classes are {_enumerate(class_names)}; rename the folders."
        )
    labels = {folder: found[0] for folder, found in matches.items()}
    ambiguous = [folder for folder, found in matches.items() if len(found) > 1]
    owners = Counter(labels.values())
    shared = [folder for folder, label in labels.items() if owners[label] > 1]
    if ambiguous or shared:
        raise DataError(
            f"these folders do not belong to one class each: {_enumerate(ambiguous or shared)}; "
            "rename them to the full class names"
        )
    return labels


def list_class_folders(root: Path) -> list[Path]:
    """The folders in `root`, sorted; hidden ones are passed over.

    Raises:
        DataError: if there is none, an image lies beside them, or `root` cannot be read.
    """
    try:
        entries = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"cannot list {display_path(root)}: {error.strerror}. Give a folder that holds one "
            "folder of images for each class."
        ) from error
    folders = [path for path in entries if path.is_dir()]
    stray = [p.name for p in entries if not p.is_dir() and p.suffix.lower() in SUFFIXES]
    if stray or not folders:
        raise DataError(
            f"{display_path(root)} must hold one folder of images for each class, but "
            + (f"has images outside: {_enumerate(stray)}" if stray else "it holds no folder")
        )
    return folders


def _fits(folder: str, class_name: str) -> bool:
    return class_name == folder or class_name.startswith(f"{folder} ")


def fail(_: Path, error: DataError) -> None:
    """Raise what `find_images` reports."""
    raise error


def _enumerate(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
