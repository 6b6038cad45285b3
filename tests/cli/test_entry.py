"""The way into the command line: Ctrl-C ends a command quietly, however early it comes."""

import subprocess
import sys
from pathlib import Path

import pytest

import trunkline

INTERRUPTED = """
import os, runpy, signal, sys

def interrupt(event, given):
    if event == "import" and given[0] == {name!r}:
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite that runs in the background may have been told to ignore it
sys.addaudithook(interrupt)
sys.argv = ["trunkline", "policy", "limits"]
runpy.run_module("trunkline", run_name="__main__")
"""
"The command with Ctrl-C pressed while a module is being loaded."

LOADED = """
import sys
sys.path.insert(0, {source!r})
before = set(sys.modules)
import trunkline
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("name", ["trunkline.cli", "typer", "getpass", "msgspec", "trunkline.policy.limits"])
def test_an_interrupt_while_modules_are_loaded_prints_nothing(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED.format(name=name)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_next_to_nothing_is_loaded_before_an_interrupt_is_looked_after() -> None:
    """`-S`: nor does the installation load anything beforehand."""
    source = str(Path(trunkline.__file__).parents[1])
    done = subprocess.run([sys.executable, "-I", "-S", "-c", LOADED.format(source=source)], capture_output=True, text=True, timeout=60, check=True)
    assert not {"re", "enum", "json", "pathlib", "typing", "functools"} & set(done.stdout.split())


def test_a_question_about_a_wrong_command_ends_with_2() -> None:
    done = subprocess.run([sys.executable, "-m", "trunkline", "nosuch"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "No such command" in done.stderr
