"""The authority sets a node has met: by their hash, and by their number once they were in force."""

from collections import OrderedDict

from chain import tables
from chain.consensus.authorityset import AuthoritySet, decode_set
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash
from chain.store import Batch, KeyValueStore

SETS_CACHED_MAX = 16  # up to 50 KB each; those of the last changes are asked for


class KnownSets:
    """Authority sets in a store."""

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._cache: OrderedDict[Hash, AuthoritySet] = OrderedDict()

    def find(self, set_hash: Hash) -> AuthoritySet | None:
        """A set by its hash, or None while no block that decided it was executed."""
        found = self._cache.get(set_hash)
        if found is None:
            row = self._store.get(tables.SET + set_hash)
            if row is None:
                return None
            found = self._cache[set_hash] = decode_set(row)
            if len(self._cache) > SETS_CACHED_MAX:
                self._cache.popitem(last=False)
        return found

    def get(self, set_hash: Hash) -> AuthoritySet:
        """A set by its hash. Raises Declined when it is not known yet."""
        found = self.find(set_hash)
        if found is None:
            raise Declined("unknown-set", f"authority set {set_hash.hex()} is not known here yet")
        return found

    def numbered(self, set_id: int) -> AuthoritySet:
        """A set that is or was in force. Raises Declined when there was none of that number."""
        row = self._store.get(tables.set_id_key(set_id))
        if row is None:
            raise Declined("unknown-set", f"authority set {set_id} is not in force here yet")
        return self.get(Hash(row))


def enter(set_id: int, set_hash: Hash, batch: Batch) -> None:
    """A set is in force from now on."""
    batch.put(tables.set_id_key(set_id), set_hash)
