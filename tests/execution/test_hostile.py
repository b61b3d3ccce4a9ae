"""Whatever an algorithm does to its process, to others or with its answers, its run says why."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.execution.bounds import Bounds
from harness.execution.nursery import Nursery
from tests.execution.hostile import Hostile

pytestmark = [
    pytest.mark.own_process,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="fences are built for Linux alone"),
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """Units of hostile algorithms, forked from one process."""
    folder = tmp_path_factory.mktemp("hostile")
    nursery = Nursery(folder, ["numpy"], dict(os.environ))
    yield Hostile(folder, nursery)
    nursery.close()


def quick(names: Iterable[str], *slow: str) -> list[Any]:
    """Return names as parameters, those that take long marked as such."""
    return [pytest.param(n, marks=pytest.mark.slow) if n in slow else n for n in names]


IN = {
    "file": "while its file was imported",
    "init": "while it was constructed",
    **{name: f"in {name}" for name in ("fit", "save", "load", "extract", "compare")},
}


@pytest.mark.parametrize("where", IN)
def test_a_process_that_ends_itself_without_a_word_is_no_success(
    hostile: Hostile, where: str
) -> None:
    said = hostile.told(where, "os._exit(0)")
    assert said == (
        f"its process ended with exit code 0 without an answer {IN[where]} (os._exit, perhaps a "
        "library's)"
    )


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        ("fit", "sys.exit()", "fit ended its process: SystemExit\n    sys.exit()"),
        ("extract", "sys.exit('no licence')", "extract ended its process: SystemExit: no licence"),
        ("init", "raise SystemExit(3)", "construct ended its process: SystemExit: 3"),
        ("file", "quit()", "import ended its process: SystemExit"),
        ("load", "raise BaseException('base')", "load failed: BaseException: base"),
        ("save", "raise GeneratorExit('gen')", "save failed: GeneratorExit: gen"),
        ("compare", "raise KeyboardInterrupt", "compare failed: KeyboardInterrupt"),
        ("file", "raise BaseException('base')", "cannot be imported: BaseException: base"),
        ("extract", r"raise ValueError('a \ud800 b')", r"extract failed: ValueError: a \ud800 b"),
        ("fit", r"raise ValueError('\x1b[2J\r')", r"fit failed: ValueError: \x1b[2J\x0d"),
        (
            "extract",
            "class E(Exception):\n    def __str__(self): raise KeyError\nraise E",
            "extract failed: E: (a text that cannot be shown)",
        ),
        ("compare", "np.stack([])", "compare failed: ValueError: need at least one array"),
        ("extract", "json.loads('{')", "extract failed: JSONDecodeError"),
        ("init", "f = lambda n: f(n)\nf(0)", "construct failed: RecursionError"),
    ],
)
def test_whatever_an_algorithm_raises_its_reason_and_its_own_line_are_named(
    hostile: Hostile, where: str, code: str, said: str
) -> None:
    told = hostile.told(where, code)
    assert said in told
    assert told.startswith(f"{hostile.file}, line ")
    assert "/harness/" not in told


@pytest.mark.parametrize("where", ["fit", "extract", "file"])
def test_a_message_of_any_length_is_cut_and_so_is_what_the_log_keeps_of_it(
    hostile: Hostile, where: str
) -> None:
    told = hostile.told(where, "raise ValueError('m' * 40_000_000)")
    assert "ValueError: mmmmmmmm" in told
    assert len(told) < 2100
    assert len(hostile.log()) < 20_000


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os.closerange(0, 4096); time.sleep(100)", "closed its line to the harness without an "),
        ("os.closerange(3, 4096)", "in extract"),
        ("os.dup2(os.open('/dev/null', os.O_RDWR), 3)\nos.closerange(4, 256)", "in extract"),
        ("os.execv('/bin/true', ['true'])", "exit code 0 without an answer in extract"),
        ("os.execv('/bin/sh', ['sh', '-c', 'echo gone >&2; exit 5'])", "it last said: gone"),
        ("os.abort()", "was ended by SIGABRT (a library gave up, often for want of memory) in ex"),
        ("ctypes.string_at(0)", "was ended by SIGSEGV (a crash inside a compiled library) in ext"),
        ("threading.Thread(target=lambda: os._exit(4)).start(); time.sleep(9)", "exit code 4"),
        (
            "print('last words', file=sys.stderr, flush=True)\nos.kill(os.getpid(), 9)",
            "SIGKILL (often the system ending a process that uses too much memory) in extract; it "
            "last said: last words",
        ),
    ],
)
def test_an_end_is_noticed_however_it_comes(hostile: Hostile, code: str, said: str) -> None:
    began = time.monotonic()
    assert said in hostile.told("extract", code)
    assert time.monotonic() - began < 30


HOLDS = {
    "a child": "if os.fork() == 0: time.sleep(1000)",
    "a daemon": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(1000)
            os._exit(0)
    """,
    "twenty sessions": """
        for _ in range(20):
            subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True, close_fds=False)
    """,
}


@pytest.mark.parametrize("how", HOLDS)
def test_children_that_hold_the_line_open_hide_neither_the_end_nor_its_reason(
    hostile: Hostile, how: str
) -> None:
    code = textwrap.dedent(HOLDS[how]).strip()
    said = hostile.told("extract", f"{code}\nos._exit(3)")
    assert said.startswith("its process ended with exit code 3 without an answer in extract")


@pytest.mark.parametrize("how", HOLDS)
def test_children_that_are_left_behind_hinder_nothing(hostile: Hostile, how: str) -> None:
    assert hostile.told("extract", HOLDS[how]) == ""


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSTOP", "SIGTERM"])
def test_an_algorithm_cannot_end_or_stop_the_harness_or_whom_it_forks_from(
    hostile: Hostile, signal: str
) -> None:
    code = f"""
        for number in [os.getppid(), {os.getpid()}, {os.getppid()}, *range(2, 400), -1]:
            if number != os.getpid():
                try:
                    os.kill(number, signal.{signal})
                except OSError:
                    pass
    """
    hostile.told("extract", code, Bounds(silence=5))
    assert hostile.told("extract", "pass") == "", "the process that forks workers is whole"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("extract", "os.kill(os.getpid(), signal.SIGSTOP)"),
        ("fit", "os.killpg(0, signal.SIGSTOP)"),
        ("compare", "time.sleep(1000)"),
        (
            "init",
            "for n in range(1, 65):\n"
            "    try: signal.signal(n, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\n"
            "time.sleep(1000)",
        ),
    ],
)
def test_a_process_that_does_nothing_any_more_is_stopped(
    hostile: Hostile, where: str, code: str
) -> None:
    said = hostile.told(where, code, Bounds(silence=1.5))
    assert said.startswith(f"no sign of life for 2 s {IN[where]}, so it was stopped")


WITHOUT_END = {
    "progress": "for n in itertools.count(): train.progress(n % 100, 100, 'x' * 5000)",
    "progress said to be complete": "while True: train.progress(1, 1, '')",
    "pictures": "while True: train.images[0]",
    "a loop": "while True: pass",
}


@pytest.mark.parametrize("how", quick(WITHOUT_END, "a loop"))
def test_the_time_of_a_unit_has_a_limit_whatever_signs_of_life_it_gives(
    hostile: Hostile, how: str
) -> None:
    heard: list[int] = []
    said = hostile.told(
        "fit",
        WITHOUT_END[how],
        Bounds(time=2.0),
        lambda step, done, total, note: heard.append(len(note)),
    )
    assert said.startswith("it has taken 2 s, all that --time-limit allows for a unit of work, ")
    assert "stopped in fit" in said
    assert len(heard) < 100, "what nobody can read is not passed on"
    assert max([*heard, 0]) <= 200


@pytest.mark.slow
def test_the_time_limit_holds_in_every_step(hostile: Hostile) -> None:
    for where in ("file", "extract", "compare"):
        said = hostile.told(where, "time.sleep(1000)", Bounds(time=2.5))
        assert f"stopped {IN[where]}" in said


def test_an_import_may_take_longer_than_the_silence_and_is_named_where_it_takes_too_long(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hostile.told("file", "time.sleep(2)", Bounds(silence=0.7)) == ""
    monkeypatch.setattr("harness.execution.bounds.IMPORT", 1.0)
    said = hostile.told("file", "import time as t; t.sleep(100)", Bounds(silence=0.7))
    assert said.startswith("its file was still being imported after 1 s, so it was stopped.")


FLOODS = {
    "standard error": "part = b'e' * (1 << 20)\nfor _ in range(60): os.write(2, part)",
    "standard output": "for _ in range(60): sys.stdout.write('o' * (1 << 20))",
    "lines": "for _ in range(40): print('line\\n' * 200_000)",
    "a child": "subprocess.run(['/bin/sh', '-c', 'head -c 60000000 /dev/zero >&2'])",
}


@pytest.mark.parametrize("how", quick(FLOODS, "lines", "a child"))
def test_of_what_is_printed_without_end_the_log_keeps_the_beginning_and_the_end(
    hostile: Hostile, how: str
) -> None:
    code = "print('first', flush=True)\n" + FLOODS[how] + "\nprint('last', flush=True)"
    assert hostile.told("init", code) == ""
    log = hostile.log()
    assert log.startswith("first")
    assert log.endswith("last\n")
    assert " bytes left out ..." in log
    assert len(log) < 1 << 20


LIES = {
    "on standard output": "print(json.dumps({'what': 'done', 'environment': {}}), flush=True)",
    "on standard error": 'os.write(2, b\'\\x20\\0\\0\\0{"message":{"what":"done"}}\')',
    "as progress": 'print(\'{"what":"progress","done":100,"total":100}\', flush=True)',
}


@pytest.mark.parametrize("how", LIES)
def test_printed_lines_that_look_like_messages_are_not_believed(hostile: Hostile, how: str) -> None:
    heard: list[int] = []
    said = hostile.told(
        "fit", LIES[how] + "\nos._exit(0)", None, lambda step, done, total, note: heard.append(done)
    )
    assert said.startswith("its process ended with exit code 0 without an answer in fit")
    assert sum(heard) == 0


FORGED = """
for number in range(3, 64):
    try:
        line = socket.socket(fileno=os.dup(number))
    except OSError:
        continue
    try:
        line.send({bytes})
    except OSError:
        pass
time.sleep(2)
"""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"\xff\xff\xff\xff", "extract sent the harness a message of 4,294,967,295 bytes"),
        (b"\x05\0\0\0[[[[[", "extract sent the harness no message"),
        (b"[" * 100_000, "extract sent the harness a message of 1,532,713,819 bytes"),
        (b'\x1b\0\0\0{"message":{"what":"done"}} ', "said 'done' where something else was exp"),
        (b"\x20\0\0\0" + b'{"message":{"what":"answers","count":-5}}'[:32], "no message"),
    ],
)
def test_messages_forged_on_the_line_itself_end_the_run(
    hostile: Hostile, message: bytes, said: str
) -> None:
    assert said in hostile.told("extract", FORGED.format(bytes=repr(message)))


RETURNED = {
    "[[1, 2], [3]]": "is <class 'list'>; return a NumPy array of numbers or a dict of them",
    "np.array([[1, 2], [3]], dtype=object)": "is an array of object",
    "{}": "is an empty dict",
    "{'': np.ones(3)}": "is a dict with a name that is empty, unprintable or over 200 characters",
    r"{'\ud800': np.ones(3)}": "is a dict with a name that is empty, unprintable",
    "{'n' * 10**6: np.ones(3)}": "is a dict with a name that is empty, unprintable or over 200",
    "{1: np.ones(3)}": "is a dict whose names are not all strings",
    "{str(n): np.ones(1) for n in range(20000)}": "is a dict of more than 10,000 arrays",
    "{'a': [1.0]}": "template's part 'a' of",
    "np.array([np.nan])": "contains NaN or infinity",
    "{'x': np.array([-np.inf])}": "contains NaN or infinity",
    "np.ma.masked_array(np.ones(3), [0, 1, 0])": "is a masked array",
    "np.array([1j])": "is an array of complex128",
    "np.zeros(3, dtype=[('a', 'f4')])": "is an array of [('a', '<f4')]",
    "np.array(['2020-01-01'], dtype='datetime64[D]')": "is an array of datetime64[D]",
    "np.ones(3, np.longdouble)": "which cannot be stored",
    "np.lib.stride_tricks.as_strided(np.ones(1), (1 << 40,), (0,))": "is 8,796,093,022,208 bytes",
    "np.lib.stride_tricks.as_strided(np.ones(1), (1 << 28,), (0,))": "is 2,147,483,648 bytes, and ",
    "type('R', (), {'__repr__': lambda self: 1 / 0})()": "return a NumPy array of numbers",
    "type('D', (dict,), {'__len__': lambda self: 1 / 0})(a=np.ones(3))": "return a NumPy array",
    "10 ** 400": "is <class 'int'>",
    "(x for x in range(3))": "is <class 'generator'>",
}


@pytest.mark.parametrize("value", RETURNED)
def test_templates_that_are_none_are_refused_in_the_name_of_extract(
    hostile: Hostile, value: str
) -> None:
    said = hostile.told("extract", f"return {value}")
    assert RETURNED[value] in said
    assert said.startswith("extract")
    assert "/harness/" not in said
    assert len(said) < 1000


@pytest.mark.parametrize(
    "value",
    ["np.matrix([[1.0, 2.0]])", "{'a/b': np.ones(3), '/': np.ones(2)}", "np.ones((1,) * 32)"],
)
def test_unusual_templates_that_are_arrays_of_numbers_are_kept(
    hostile: Hostile, value: str
) -> None:
    assert hostile.told("extract", f"return {value}") == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("np.full((len(probes), len(references)), -5)", "compare returned an array of int64"),
        (
            "np.full((1, len(references)), None, dtype=object)",
            "compare returned an array of object",
        ),
        ("[[1.0], [1.0, 2.0]]", "compare returned <class 'list'>"),
        ("np.zeros((1, 10**7))", "compare sent the harness arrays of 80,000,000 bytes"),
        ("np.full((1, len(references)), -np.inf)", "compare returned NaN or infinity for 2 of 2"),
        ("None", "compare returned <class 'NoneType'>"),
    ],
)
def test_scores_that_are_none_are_refused_in_the_name_of_compare(
    hostile: Hostile, value: str, said: str
) -> None:
    assert hostile.told("compare", f"return {value}").startswith(said)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("train.progress(-5, -10, 'x'); train.progress(10**40, 10**40, '')", ""),
        ("train.images[10**9]", "fit failed: IndexError"),
        ("train.images[-1]; train.progress('x', 1, '')", "fit failed: "),
        ("train.progress(float('nan'), 1, '')", "fit failed: ValueError"),
    ],
)
def test_negative_and_impossible_counts_do_no_harm(hostile: Hostile, code: str, said: str) -> None:
    heard: list[int] = []
    told = hostile.told("fit", code, None, lambda step, done, total, note: heard.append(done))
    assert said in told
    assert bool(told) == bool(said)
    assert min(heard) >= 0


DELETED = {
    "its scratch folder": "shutil.rmtree(os.environ['HOME'], ignore_errors=True)",
    "its checkpoints": "shutil.rmtree(train.checkpoints, ignore_errors=True)",
    "the run": "shutil.rmtree(train.checkpoints.parents[2], ignore_errors=True)",
}


@pytest.mark.parametrize("what", DELETED)
def test_deleted_folders_are_no_traceback(hostile: Hostile, what: str) -> None:
    said = hostile.told("fit", DELETED[what])
    assert said == "" or "fit failed: " in said or "save failed: " in said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("shutil.rmtree(folder)", "save failed: FileNotFoundError"),
        ("shutil.rmtree(folder); folder.write_text('x'); return", "save left no folder"),
        ("shutil.rmtree(folder); folder.symlink_to('/etc'); return", "save left no folder"),
        ("(folder / 'x').symlink_to('/etc/passwd')", "save left 'x', which is no plain file"),
        ("os.mkfifo(folder / 'x')", "save left 'x', which is no plain file"),
        ("(folder / 'step.json').write_text('{}')", "save wrote 'step.json', a name that"),
        ("(folder / 'x').open('wb').truncate(1 << 44)", "save failed: OSError"),
        (
            "for n in range(1200):\n    (folder / str(n)).open('wb').truncate(1 << 33)",
            "save wrote a model of ",
        ),
    ],
)
def test_a_model_that_is_none_is_refused_in_the_name_of_save(
    hostile: Hostile, code: str, said: str
) -> None:
    assert said in hostile.told("save", code)


def test_a_process_that_save_left_behind_cannot_change_what_was_looked_at(
    hostile: Hostile,
) -> None:
    code = """
        if os.fork() == 0:
            os.setsid()
            while True:
                for file in folder.glob("*.txt"):
                    file.unlink(missing_ok=True)
                    file.symlink_to("/etc/passwd")
    """
    hostile.told("save", code)
    place = hostile.file.parent / "run" / "units" / "fold-1"
    assert not [path for path in place.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize(
    "code",
    [
        "held = []\nwhile True: held.append(open(os.devnull))",
        "while True: os.dup(1)",
        "held = []\nwhile True: held.append(socket.socketpair())",
    ],
)
def test_descriptors_without_end_end_in_a_reason(hostile: Hostile, code: str) -> None:
    assert "Too many open files" in hostile.told("extract", code)


MEMORY = {
    "arrays": "held = []\nwhile True: held.append(np.ones(1 << 22))",
    "one array": "np.ones(1 << 40)",
    "bytes": "held = bytearray()\nwhile True: held += bytes(1 << 22)",
    "mapped": "held = []\nwhile True: held.append(mmap.mmap(-1, 1 << 25, flags=mmap.MAP_PRIVATE))",
}


@pytest.mark.parametrize("how", quick(MEMORY, "bytes"))
def test_memory_without_end_is_refused_to_a_process_and_the_line_is_named(
    hostile: Hostile, how: str
) -> None:
    said = hostile.told("extract", MEMORY[how], Bounds(memory=400 << 20))
    assert said.startswith(f"{hostile.file}, line ")
    assert "extract failed: " in said
    assert "A worker may hold 400.0 MB with all that it starts; harness run --memory-limit" in said


TOGETHER = {
    "children": """
        for _ in range(8):
            if os.fork() == 0:
                held = np.ones(1 << 23); time.sleep(1000)
        time.sleep(1000)
    """,
    "shared memory": """
        with open('/dev/shm/x', 'wb') as file:
            for _ in range(90): file.write(bytes(1 << 22))
        time.sleep(1000)
    """,
    "files without a name": """
        file = os.memfd_create('x')
        for _ in range(150): os.write(file, bytes(1 << 22))
        time.sleep(1000)
    """,
    "mappings that are shared": """
        held = [mmap.mmap(-1, 1 << 25) for _ in range(20)]
        for one in held: one.write(b'x' * (1 << 25))
        time.sleep(1000)
    """,
}


@pytest.mark.parametrize("how", TOGETHER)
def test_what_all_processes_of_an_algorithm_hold_together_is_bounded(
    hostile: Hostile, how: str
) -> None:
    said = hostile.told("extract", TOGETHER[how], Bounds(memory=300 << 20))
    assert "of memory together in extract, more than the 300.0 MB that --memory-limit" in said


def test_what_the_harness_holds_of_answers_is_bounded(hostile: Hostile) -> None:
    said = hostile.told("extract", "return np.ones(1 << 23)", Bounds(memory=200 << 20))
    assert said.startswith("the answers of extract take ")
    assert "200.0 MB are allowed by --memory-limit" in said


def test_threads_that_are_left_running_hinder_nothing(hostile: Hostile) -> None:
    for target in ("lambda: time.sleep(1000)", "lambda: [None for _ in itertools.count()]"):
        assert hostile.told("fit", f"threading.Thread(target={target}).start()") == ""


def test_a_full_disk_is_the_algorithm_s_where_its_own_files_fill_it(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.execution.bounds.DISK_LEFT", 4 << 20)
    monkeypatch.setattr("harness.execution.bounds.left_on", lambda folder: 1 << 20)
    code = "(Path(os.environ['HOME']) / 'x').write_bytes(bytes(8 << 20)); time.sleep(100)"
    said = hostile.told("extract", code)
    assert said.startswith(
        "it filled the disk in extract: 1.0 MB are left where its scratch folder"
    )
    assert hostile.told("extract", "time.sleep(0.5)") == "", "not where others filled it"


def test_scratch_folders_are_gone_afterwards(hostile: Hostile) -> None:
    hostile.told("extract", "os._exit(1)")
    own = f"harness-{os.getpid()}-*"
    assert not list(Path(tempfile.gettempdir()).glob(own))
