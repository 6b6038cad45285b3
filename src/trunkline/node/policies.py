"""The policy of a running node: what it starts with, and how another is put in force without holding up a call.

The version applied last is the truth. The file `[node] policy` names is where a person edits: it is read at the very first start, and when
somebody asks for it (`trunkline policy apply`, SIGHUP). Another process parses, checks and compiles; the loop decodes the result in steps of
a fraction of a millisecond between which calls go on, resolves new names, and swaps.
"""

import asyncio
import gc
import mmap
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.node.places import unsuited
from trunkline.node.settings import SettingsError
from trunkline.policy import Snapshot
from trunkline.policy.store import InForce, Store, StoreError
from trunkline.policy.wire import decoding, discarding

if TYPE_CHECKING:
    from trunkline.node.serve import Node

RESOLVE_S = 0.5
"How long the names of a new policy may take before it is put in force without their addresses."

LOOK_S = 0.01


class Policies:
    def __init__(self, node: "Node") -> None:
        self.node = node
        self.file = Path(node.settings.node.policy).resolve()
        "Where a person edits it."
        self.store = Store(node.data)
        self.in_force = InForce("", 0, "", "")
        self.said = ""
        "What a person who starts the node should know of its policy."
        self._one_at_a_time = asyncio.Lock()

    async def first(self) -> Snapshot:
        """What the node starts with. Raises SettingsError."""
        try:
            known = await asyncio.to_thread(self.store.current)
            if known is None:
                policy = await self._decoded(await self._compiled(self.file))
                utc_us = self.node.clock.utc_us(asyncio.get_running_loop().time())
                known = InForce(policy.version, utc_us, "start", f"first policy, from {self.file}")
                await asyncio.to_thread(self.store.put_current, known)
                self.said = f"policy {policy.version}, from {self.file}"
            else:
                policy = await self._restored(known)
        except (StoreError, OSError) as error:
            raise SettingsError(f"the policy cannot be kept or read: {error}") from error
        self.in_force = known
        return policy

    async def _restored(self, known: InForce) -> Snapshot:
        try:
            policy = await self._decoded(await self._compiled(known.version))
        except SettingsError as error:
            raise SettingsError(
                f"policy {known.version}, in force since it was applied by {known.author} ({known.reason}), cannot be put in force again:\n{error}\n"
                f"put it right, or another in its place: `trunkline policy apply FILE --reason TEXT --next-start`"
            ) from error
        self.said = f"policy {known.version}, applied by {known.author}: {known.reason}"
        if await asyncio.to_thread(differs, self.store, known.version, self.file):
            self.said += f"\n  {self.file} is not what is in force: `trunkline policy diff` shows how, `trunkline policy apply` changes it"
        return policy

    async def apply_file(self, author: str, reason: str) -> Snapshot:
        """Put the node's policy file in force. Raises SettingsError, and then nothing has changed."""
        async with self._one_at_a_time:
            return await self._swap(await self._compiled(self.file), author, reason, False)

    async def apply(self, version: str, author: str, reason: str, rollback: bool) -> Snapshot:
        """Put a kept version in force. Raises SettingsError, and then nothing has changed."""
        async with self._one_at_a_time:
            return await self._swap(await self._compiled(version), author, reason, rollback)

    async def _swap(self, compiled: mmap.mmap, author: str, reason: str, rollback: bool) -> Snapshot:
        node = self.node
        policy = await self._decoded(compiled)
        await self._resolved(policy)
        await node.dips.prepare(policy.dips)
        before = node.core.decisions.policy
        applied = InForce(policy.version, node.clock.utc_us(node.network.now()), author, reason, before.version, rollback)
        try:
            # Written down first: a crash right after this starts with the policy that was asked for.
            await asyncio.to_thread(self.store.put_current, applied)
        except OSError as error:
            node.places.follow(before)
            raise SettingsError(f"the policy cannot be kept: {error}") from error
        now = node.network.now()
        self.in_force = applied
        node.core.apply_policy(policy, author, reason, now, rollback)
        node.places.follow(policy)
        node.network.forget_sources()
        node.network.turn(now)
        node.commit()
        gone = discarding(before)
        del before
        for _ in gone:
            await asyncio.sleep(0)
        return policy

    async def _decoded(self, compiled: mmap.mmap) -> Snapshot:
        """The snapshot, decoded between other work. Raises SettingsError where it asks for doors that this node does not have."""
        steps = decoding(compiled)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                policy: Snapshot = done.value
                break
            # Set aside at once: the collector would look at all of it, in one go, to find that nothing of it is garbage.
            gc.freeze()
            await asyncio.sleep(0)
        wrong = unsuited(policy, self.node.doors.values())
        if wrong:
            raise SettingsError(wrong)
        return policy

    async def _resolved(self, policy: Snapshot) -> None:
        """Names that are new to the node have addresses, or had time to get them."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RESOLVE_S
        waiting = self.node.places.expect(policy)
        while loop.time() < deadline:
            waiting = {target for target in waiting if not self.node.places.leads_somewhere(target)}
            if not waiting:
                return
            await asyncio.sleep(LOOK_S)

    async def _compiled(self, what: Path | str) -> mmap.mmap:
        """A file, or a version that is kept, compiled by a process of its own. Raises SettingsError."""
        asked = [str(what)] if isinstance(what, Path) else ["--version", what]
        # Memory both processes see, and no disk: rate decks make it tens of megabytes, which a pipe would have the loop copy.
        fd = os.memfd_create("policy")
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "trunkline", "policy", "compile", *asked, "--data", str(self.node.data), "--to", str(fd),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, pass_fds=(fd,),
            )  # fmt: skip
            _, err = await process.communicate()
            if process.returncode:
                raise SettingsError(err.decode("utf-8", "replace").strip())
            return mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        finally:
            os.close(fd)


def differs(store: Store, version: str, path: Path) -> bool:
    """Whether the document or a file it names is no longer what that version was. Raises StoreError where the version is not kept."""
    stored = store.load(version)
    try:
        if path.read_bytes() != stored.text.encode():
            return True
        return any((path.parent / name).read_bytes() != content for name, content in stored.contents.items())
    except OSError:
        return True
