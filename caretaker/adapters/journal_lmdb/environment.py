"""Opening the LMDB file, and turning what LMDB and the disk say into the house's errors."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import lmdb

from caretaker.domain.errors import CaretakerError, ConfigurationError, JournalFull, JournalUnavailable

FORMAT: Final = b"caretaker-journal/1"
DATABASES: Final = (b"meta", b"records", b"index", b"readers", b"quarantine")
_MAX_READERS: Final = 254


class Environment:
    """An open LMDB environment and its named databases."""

    def __init__(self, folder: Path, map_size: int) -> None:
        """Raises ConfigurationError (cannot be written, not a journal), JournalFull (no space)."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.env = lmdb.open(
                str(folder),
                map_size=map_size,
                max_dbs=len(DATABASES),
                max_readers=_MAX_READERS,
                subdir=True,
                sync=True,
                metasync=True,
                writemap=False,
                map_async=False,
                readahead=False,  # a reader follows the tail; reading ahead would only map what nobody asked for
                meminit=False,
            )
        except OSError as wrong:
            raise _cannot_open(folder, wrong.strerror or str(wrong), wrong.errno == errno.ENOSPC) from wrong
        except lmdb.Error as wrong:
            raise _cannot_open(folder, str(wrong), isinstance(wrong, lmdb.DiskError)) from wrong
        try:
            self._adopt(folder)
        except BaseException:
            self.env.close()
            raise
        self._mapping = _mapping(folder / "data.mdb")

    def _adopt(self, folder: Path) -> None:
        try:
            with self.env.begin(write=True) as txn:
                names = [bytes(name) for name, _ in txn.cursor()]
                if foreign := sorted(set(names) - set(DATABASES)):
                    raise ConfigurationError(
                        f"{folder}: data.mdb is an LMDB file of another program (it holds {foreign[:3]}); "
                        "point CARETAKER_DATA to a folder of its own",
                        folder=str(folder),
                    )
                self.meta, self.records, self.index, self.readers, self.quarantine = (
                    self.env.open_db(name, txn=txn) for name in DATABASES
                )
                found = txn.get(b"format", db=self.meta)
                if found is None and not names:
                    txn.put(b"format", FORMAT, db=self.meta)
                elif found != FORMAT:
                    raise ConfigurationError(
                        f"{folder}: the journal has format {found!r}, this program reads {FORMAT!r}", folder=str(folder)
                    )
        except lmdb.Error as wrong:
            raise _cannot_open(folder, str(wrong), isinstance(wrong, lmdb.DiskError)) from wrong

    def unmap(self) -> None:
        """Give back the resident pages of the map (they stay in the page cache and come back on the next touch).

        Without this, every record once read would count as memory of this process.
        """
        if self._mapping is not None:
            address, length = self._mapping
            _madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Release the file."""
        self.env.close()


_madvise = ctypes.CDLL(None, use_errno=True).madvise


def _mapping(file: Path) -> tuple[int, int] | None:
    """Where this process mapped the file (address, length); None where the system does not tell (not Linux)."""
    try:
        inode = str(file.stat().st_ino)
        lines = Path("/proc/self/maps").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[4] == inode and fields[5] == str(file.resolve()):
            start, end = (int(part, 16) for part in fields[0].split("-"))
            return start, end - start
    return None


def _cannot_open(folder: Path, reason: str, no_space: bool) -> CaretakerError:
    if no_space:
        return JournalFull(
            f"{folder}: no space left on the disk to open the journal; free some space", folder=str(folder)
        )
    return ConfigurationError(
        f"{folder}: the journal cannot be opened for writing ({reason}); "
        "give Caretaker a data folder of its own that it may write (CARETAKER_DATA or --data)",
        folder=str(folder),
    )


@contextlib.contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn LMDB's errors into JournalFull or JournalUnavailable; `doing` completes 'cannot …'."""
    try:
        yield
    except (lmdb.MapFullError, lmdb.DiskError) as wrong:
        raise JournalFull(f"cannot {doing}: {wrong}; free space or raise journal_limit_bytes") from wrong
    except lmdb.Error as wrong:
        raise JournalUnavailable(f"cannot {doing}: {wrong}; look at the disk (dmesg, SMART)") from wrong
