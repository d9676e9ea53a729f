"""The founding of a network: its hash pins every field, its source says where it is wrong."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.genesis import Balance, Genesis, GenesisIdentity, initial_state
from chain.genesis_source import compile_toml
from chain.genesis_text import to_toml
from chain.parameters import PARAMETER_RANGES, Consensus, Currency, Parameters
from chain.primitives.cbor import Value, decode, encode
from chain.primitives.errors import Refusal
from chain.primitives.hashing import ZERO_HASH, Hash, sha256
from chain.primitives.printable import is_printable
from chain.state import paths
from chain.state.journal import State
from chain.transactions.document import DidDocument, Key, Purpose, Service
from chain.transactions.governance_parameters import parameters_in
from chain.transactions.identity import DidRecord, decode_record
from chain.transactions.payment import CurrencyRecord, balance, currency_of
from tests.chain.transactions.world import FUNDS, GENESIS, did, document

SOURCE = to_toml(GENESIS)


def test_round_trips() -> None:
    assert Genesis.decode(GENESIS.encode()) == GENESIS
    assert Genesis.decode(GENESIS.encode()).hash == GENESIS.hash
    assert compile_toml(SOURCE) == GENESIS
    assert compile_toml(SOURCE).hash == GENESIS.hash == sha256(GENESIS.encode())


CHANGES: dict[str, Genesis] = {
    "network": replace(GENESIS, network="other"),
    "genesis_time_ms": replace(GENESIS, genesis_time_ms=GENESIS.genesis_time_ms + 1),
    "slot_ms": replace(GENESIS, slot_ms=2_000),
    "consensus": replace(GENESIS, consensus=Consensus.WORK),
    "identities": replace(GENESIS, identities=tuple(reversed(GENESIS.identities))),
    "currencies": replace(GENESIS, currencies=(replace(GENESIS.currencies[0], decimals=3),)),
    "balances": replace(GENESIS, balances=GENESIS.balances[:1]),
    "parameters": replace(GENESIS, parameters=Parameters(expiry_slots_max=9)),
    "test": replace(GENESIS, test=False),
}


def test_every_field_has_its_change() -> None:
    assert set(CHANGES) == {named.name for named in fields(Genesis) if named.init}


@pytest.mark.parametrize("field", CHANGES)
def test_the_hash_pins_every_field(field: str) -> None:
    assert CHANGES[field].hash != GENESIS.hash


@pytest.mark.parametrize("name", PARAMETER_RANGES)
def test_the_hash_pins_every_parameter(name: str) -> None:
    low, high = PARAMETER_RANGES[name]
    one, two = (replace(GENESIS, parameters=Parameters(**{name: n})) for n in (low, high))
    assert one.hash != two.hash
    for beyond in (low - 1, high + 1):
        with pytest.raises(Refusal, match=f"{name} = {beyond}: expected an integer from {low}"):
            Parameters(**{name: beyond})


def test_the_hash_pins_what_an_identity_is() -> None:
    first, *others = GENESIS.identities
    for changed in (
        replace(first, name="zoe"),
        replace(first, roles=("authority",)),
        replace(first, document=replace(first.document, next=Hash(bytes(32)))),
    ):
        assert replace(GENESIS, identities=(changed, *others), balances=()).hash != GENESIS.hash


def test_slots() -> None:
    start = GENESIS.genesis_time_ms
    assert [GENESIS.slot_at(start + ms) for ms in (-1, 0, 999, 1_000)] == [-1, 0, 0, 1]
    assert GENESIS.slot_start_ms(3) == start + 3_000
    assert GENESIS.slot_at(GENESIS.slot_start_ms(3)) == 3


def test_authorities_are_in_ascending_order() -> None:
    assert list(GENESIS.authorities) == sorted(did(name) for name in ("alice", "bob", "carol"))


def test_the_state_before_the_first_block() -> None:
    initial = initial_state(GENESIS)
    state = State(initial.get)
    assert currency_of(state, "CNY") == CurrencyRecord(2 * FUNDS, 2, "Renminbi")
    assert [balance(state, "CNY", did(name)) for name in ("alice", "carol")] == [FUNDS, 0]
    expected = DidRecord.found(document("bob"), 0, ("member", "authority"))
    assert decode_record(initial[paths.did(did("bob"))]) == expected
    assert initial[paths.AUTHORITY_SET] == GENESIS.authority_set.raw
    assert parameters_in(state, GENESIS.parameters) == GENESIS.parameters
    assert initial[paths.SEATED_SINCE] == encode([0, 0, 0])
    assert len(initial) == 3 + 2 + 3 + 1 + 2


def test_bytes_that_are_no_genesis() -> None:
    for data in (b"", b"\x80", encode(["cornerstone/genesis/2"]), GENESIS.encode()[:-1]):
        with pytest.raises(Refusal):
            Genesis.decode(data)
    short = decode(GENESIS.encode())
    assert isinstance(short, list)
    with pytest.raises(Refusal, match="genesis: expected an array of 10, got an array of 9"):
        Genesis.decode(encode(short[:-1]))


ALICE, BOB, CAROL = GENESIS.identities
HUGE = 2**63 - 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": "No Good"}, "network-name"),
        ({"slot_ms": 49}, "slot_ms = 49: expected 50 to"),
        ({"genesis_time_ms": -1}, "time = -1"),
        ({"currencies": GENESIS.currencies * 2}, "[[currency]] 2: CNY is there already"),
        ({"identities": (ALICE, ALICE)}, "[[identity]] 2: the name 'alice' is taken"),
        ({"identities": (ALICE, replace(ALICE, name="al"))}, "same document as an earlier"),
        ({"identities": (replace(ALICE, name="Al ice"),)}, "[[identity]] 1 'Al ice': expected"),
        ({"identities": (replace(ALICE, roles=("king",)),)}, "unknown role 'king'; known: member"),
        (
            {"identities": (replace(ALICE, roles=("issuer:EUR",)),)},
            "of no currency here; known: CN",
        ),
        ({"identities": (replace(ALICE, roles=("member",) * 2),)}, "a role twice"),
        ({"identities": (replace(ALICE, roles=()),), "balances": ()}, "no identity has the role"),
        ({"balances": (Balance("EUR", ALICE.id, 1),)}, "[[balance]] 1: no currency 'EUR'"),
        ({"balances": (Balance("CNY", bytes(32), 1),)}, "is no identity of the genesis"),
        ({"balances": (Balance("CNY", ALICE.id, 0),)}, "amount 0: expected 1 to"),
        ({"balances": (GENESIS.balances[0],) * 2}, "[[balance]] 2: CNY of"),
        (
            {"balances": (Balance("CNY", ALICE.id, HUGE), Balance("CNY", BOB.id, 1))},
            f"balances of CNY sum to {HUGE + 1}",
        ),
    ],
)
def test_what_cannot_be_founded(changes: dict[str, object], words: str) -> None:
    with pytest.raises(Refusal) as refused:
        replace(GENESIS, **changes)  # type: ignore[arg-type]
    assert words in str(refused.value)


@pytest.mark.parametrize("purpose", [Purpose.SEAL, Purpose.VOTE])
def test_an_authority_has_a_seal_key_and_a_vote_key(purpose: Purpose) -> None:
    lacking = DidDocument(tuple(k for k in ALICE.document.keys if k.purpose is not purpose))
    with pytest.raises(Refusal, match=f"0 keys of purpose {purpose}: an authority needs"):
        replace(GENESIS, identities=(replace(ALICE, document=lacking),), balances=())


def test_an_authority_has_one_vote() -> None:
    second = Key("second", Purpose.VOTE, sha256(b"second"))
    greedy = replace(ALICE, document=replace(ALICE.document, keys=(*ALICE.document.keys, second)))
    with pytest.raises(Refusal, match=r"1 'alice': 2 keys of purpose vote: .* exactly one"):
        replace(GENESIS, identities=(greedy,), balances=())


def test_authorities_share_no_key() -> None:
    borrowed = next(k for k in ALICE.document.keys if k.purpose is Purpose.VOTE)
    keys = (*(k for k in BOB.document.keys if k.purpose is not Purpose.VOTE), borrowed)
    thief = replace(BOB, document=replace(BOB.document, keys=keys))
    with pytest.raises(Refusal, match=rf"key {borrowed.public.hex()} of .* already"):
        replace(GENESIS, identities=(ALICE, thief), balances=())


def test_where_work_decides_there_is_no_authority_set() -> None:
    assert CHANGES["consensus"].authority_set.members == ()


def test_a_controller_stands_before_what_it_controls() -> None:
    branch = GenesisIdentity("branch", document("branch", controller=ALICE.id))
    founded = replace(GENESIS, identities=(*GENESIS.identities, branch))
    assert compile_toml(to_toml(founded)) == founded
    with pytest.raises(Refusal, match="does not stand before it"):
        replace(GENESIS, identities=(branch, *GENESIS.identities))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("slot_ms =", "slotms =", "top of the file: slotms: unknown key; did you mean 'slot_ms'?"),
        ("genesis = 1", "genesis = 2", "format 2, this software reads 1"),
        ("genesis = 1", "", "genesis: is missing; give an integer"),
        (
            '"authority"\n',
            '"authorty"\n',
            "consensus 'authorty' is unknown; known: authority, work",
        ),
        ("test = true", "test = 1", "test: expected true or false, got an integer"),
        ("000Z", "000", "is in no time zone; add Z for UTC"),
        ("000Z", "0001Z", "is finer than a millisecond"),
        ("[parameters]", "[parameter]", "parameter: unknown key; did you mean 'parameters'?"),
        ("expiry_slots_max =", "expiry_slot_max =", "did you mean 'expiry_slots_max'?"),
        ("expiry_slots_max = 1", "expiry_slots_max = -1", "[parameters]: expiry_slots_max = -1"),
        ("decimals = 2", "decimals = 19", "[[currency]] 1: CNY has 19 decimals: expected 0 to 18"),
        ("decimals = 2", 'decimals = "2"', "expected an integer, got text in quotes"),
        ('"Renminbi"', '"\\u0007"', "name of CNY: expected at most 64 printable"),
        ('"carol"', '"Carol"', "[[identity]] 3 'Carol': expected 1 to 64"),
        (
            'account = "alice"',
            'account = "alcie"',
            "'alcie': no identity of that name; did you mean",
        ),
        ("amount = 1000", "amount = 10.5", "amount: expected an integer, got a number"),
        ('purpose = "seal"', 'purpose = "sail"', "'sail' is unknown; did you mean 'seal'?"),
        ('public = "', 'public = "zz', "public: expected 64 hexadecimal digits (32 bytes), got 66"),
        ('id = "tx"', 'id = "admin"', "[[identity]] 1 'alice': key id admin appears twice"),
        ('id = "tx"', 'name = "tx"', "[[keys]] 2: name: unknown key; known: id, purpose, public"),
        ("keys = [", "keys = 7\nkees = [", "kees: unknown key; did you mean 'keys'?"),
        (
            '"member", "authority"]',
            '"member", 7]',
            "roles: expected text in quotes, got an integer",
        ),
        ("[[balance]]", "[[balance", "not TOML"),
    ],
)
def test_a_source_that_is_wrong_says_where(old: str, new: str, words: str) -> None:
    assert old in SOURCE
    with pytest.raises(Refusal) as refused:
        compile_toml(SOURCE.replace(old, new, 1))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("slot_ms =", "slotms ="),
        ('purpose = "vote"', 'purpose = "vot"'),
        ("amount = 1", "amount = -1"),
    ],
)
def test_the_line_named_is_that_of_the_section_or_key(old: str, new: str) -> None:
    wrong = SOURCE.replace(old, new, 1)
    with pytest.raises(Refusal) as refused:
        compile_toml(wrong)
    number = int(refused.value.reason.split(",")[0].removeprefix("line "))
    line = wrong.splitlines()[number - 1]
    assert line.startswith(("slotms", "keys = [", "[[balance]]"))


def test_absurd_sources() -> None:
    for text in ("", "x = " + "[" * 5_000, "x = " + "1" * 5_000, "\x00", "identity = 7"):
        with pytest.raises(Refusal):
            compile_toml(text)


def test_an_example_written_by_hand() -> None:
    seed = "11" * 32
    genesis = compile_toml(
        f"""
        genesis = 1
        network = "harbour"          # ours
        time = 2026-11-23T16:00:00+08:00
        slot_ms = 3000
        consensus = "work"

        [[identity]]
        name = "port"
        keys = [
          {{ id = "board", purpose = "admin", public = "{seed}" }},
          {{ id = "desk", purpose = "tx", public = "{"22" * 32}" }},
        ]
        """
    )
    assert genesis.genesis_time_ms == 1_795_420_800_000
    assert genesis.identities[0].roles == ("member",)
    assert (genesis.test, genesis.parameters) == (False, Parameters())


names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
printable = st.text(max_size=40).filter(is_printable)


@st.composite
def documents(draw: st.DrawFn, name: str, controllers: list[bytes]) -> DidDocument:
    purposes = [Purpose.ADMIN, Purpose.TX, Purpose.SEAL, Purpose.VOTE]
    others = [purpose for purpose in Purpose if purpose is not Purpose.VOTE]
    purposes += draw(st.lists(st.sampled_from(others), max_size=3))
    services = st.builds(Service, names, printable.filter(bool), printable.filter(bool))
    return DidDocument(
        tuple(
            Key(f"k{number}", purpose, sha256(f"{name}/{number}".encode()))
            for number, purpose in enumerate(purposes)
        ),
        draw(st.integers(1, purposes.count(Purpose.ADMIN))),
        draw(st.sampled_from([ZERO_HASH, sha256(name.encode())])),
        tuple(draw(st.lists(services, max_size=2, unique_by=lambda service: service.id))),
        draw(st.sampled_from([None, *controllers])),
    )


@st.composite
def geneses(draw: st.DrawFn) -> Genesis:
    codes = draw(st.lists(st.sampled_from(["CNY", "BRL", "XAU2"]), unique=True, max_size=3))
    identities: list[GenesisIdentity] = []
    for name in draw(st.lists(names, unique=True, min_size=1, max_size=3)):
        roles = st.sampled_from(["member", "auditor", *(f"issuer:{code}" for code in codes)])
        made = draw(documents(name, [identity.id for identity in identities]))
        chosen = draw(st.lists(roles, unique=True, max_size=3))
        identities.append(GenesisIdentity(name, made, ("authority", *chosen)))
    holdings = [(code, identity.id) for code in codes for identity in identities]
    held = st.lists(st.sampled_from(holdings), unique=True) if holdings else st.just([])
    return Genesis(
        network=draw(st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)),
        genesis_time_ms=draw(st.integers(0, 253_402_300_799_999)),
        slot_ms=draw(st.integers(50, 86_400_000)),
        consensus=draw(st.sampled_from(Consensus)),
        identities=tuple(identities),
        currencies=tuple(
            Currency(code, draw(st.integers(0, 18)), draw(printable)) for code in codes
        ),
        balances=tuple(
            Balance(code, identity, draw(st.integers(1, 2**60))) for code, identity in draw(held)
        ),
        parameters=Parameters(
            **{name: draw(st.integers(*limits)) for name, limits in PARAMETER_RANGES.items()}
        ),
        test=draw(st.booleans()),
    )


@settings(max_examples=60)
@given(geneses())
def test_what_is_written_compiles_to_the_same(genesis: Genesis) -> None:
    again = compile_toml(to_toml(genesis))
    assert again == genesis
    assert again.hash == genesis.hash
    assert Genesis.decode(genesis.encode()) == genesis


def test_decoding_checks_what_constructing_does() -> None:
    value: Value = decode(GENESIS.encode())
    assert isinstance(value, list)
    value[4] = "oracle"
    with pytest.raises(Refusal, match="consensus 'oracle' is unknown"):
        Genesis.decode(encode(value))


SPEC = (Path(__file__).parents[2] / "docs/spec/ledger.md").read_text()


def test_the_example_in_the_specification_compiles() -> None:
    example = SPEC.split("```toml\n")[1].split("```")[0]
    for number in range(4):
        example = example.replace('"…"', f'"{number:064x}"', 1)
    genesis = compile_toml(example)
    assert (genesis.network, genesis.balances[0].amount) == ("harbour", 100_000)


def test_the_parameters_in_the_specification_are_these() -> None:
    defaults = Parameters()
    for name, (low, high) in PARAMETER_RANGES.items():
        assert f"| `{name}` | {getattr(defaults, name)} | {low} to {high} |" in SPEC
