# SPDX-License-Identifier: MIT
"""troupe-gdb.py - troupe's actors in gdb: of a live process, or of a core

    (gdb) source /usr/local/share/troupe/troupe-gdb.py
    (gdb) troupe actors             every actor: state, what it waits for, since when, mailbox
    (gdb) troupe actors stacks      the same, with the stack of each suspended call
    (gdb) troupe stack <3.1>        the stacks of one actor, by address or by name
    (gdb) troupe scopes             the tree of who answers for whom, scopes included

It needs the debugging information of libtroupe (-g), and of the program for its lines. Nothing in the process is run or
changed. Suspended stacks are unwound by gdb itself: for the time of a walk, an unwinder says that the innermost frame
of the selected thread was called from where the stack stopped.
"""
import os
import time

import gdb
import gdb.unwinder

CELL_CHUNK = 4096      # of src/actor/cell.h: cells of a chunk
NEVER = 2**63 - 1      # INT64_MAX: no deadline
WALK_MAX = 100         # frames, stacks of an actor, scopes of a stack: a torn list ends too
RUNTIME_FILES = ("src/sched/loop.c", "src/actor/suspend.h", "src/actor/turn.c", "src/coro/switch.c", "src/coro/switch.h",
                 "src/coro/switch_x86_64.h", "src/coro/switch_aarch64.h")
WORDS = {"WAIT_NONE": "nothing", "WAIT_MAIL": "a message", "WAIT_ASK": "an answer of", "WAIT_ASKS": "answers",
         "WAIT_ITEMS": "several things", "WAIT_ROOM": "room at", "WAIT_END": "the end of",
         "WAIT_CHILDREN": "its children", "WAIT_TIME": "a time", "WAIT_FD": "descriptor",
         "WAIT_WORK": "work on a thread", "WAIT_SLOT": "a connection", "WAIT_YIELD": "its turn"}
# Of enum cell_flag and enum self_flag, should the compiler have left them out of the debugging information.
FLAGS = {"CELL_QUEUED": 1 << 1, "CELL_BUSY": 1 << 2, "CELL_WANTS_MAIL": 1 << 3, "CELL_LIVE": 1 << 4,
         "CELL_CLOSED": 1 << 5, "CELL_CANCELED": 1 << 6, "CELL_INTERNAL": 1 << 12, "SELF_DEAD": 1 << 20}


def flag(name):
    try:
        return int(gdb.parse_and_eval(name))
    except gdb.error:
        return FLAGS[name]


def text_of(pointer, otherwise):
    """A C string, or otherwise."""
    try:
        is_there = pointer.type.code == gdb.TYPE_CODE_ARRAY or int(pointer) != 0
        return pointer.string(errors="replace")[:64] if is_there else otherwise
    except gdb.error:
        return otherwise


def address_text(actor_id):
    return "<%d.%d>" % (actor_id & 0xffffffff, actor_id >> 32)


def is_core():
    connection = getattr(gdb.selected_inferior(), "connection", None)
    return connection is not None and connection.type == "core"


def field(value, name):
    """A field that older or newer libraries do not have: None."""
    return value[name] if name in [f.name for f in value.type.fields()] else None


# ---- what there is ----------------------------------------------------------------------------------------------


def nodes():
    try:
        node = gdb.parse_and_eval("debug_nodes")
    except gdb.error as error:
        raise gdb.GdbError("no symbols of troupe here: is libtroupe loaded, compiled with -g, and not stripped?") from error
    while int(node) != 0:
        yield node.dereference()
        node = node["next"]


def workers(node):
    """The sched of each worker: (sched, worker)."""
    for i in range(int(node["world"]["workers"])):
        sched = node["sched"][i].dereference()
        yield sched, sched["worker"]


def cell_at(table, slot):
    chunk = table["chunk"][slot // CELL_CHUNK]
    return chunk.cast(gdb.lookup_type("struct cell").pointer())[slot % CELL_CHUNK]


def cells(node):
    table = node["world"]["cells"]
    live, internal = flag("CELL_LIVE"), flag("CELL_INTERNAL")
    for slot in range(int(table["used"])):
        cell = cell_at(table, slot)
        flags = int(cell["run"]["flags"])
        if flags & live and not flags & internal:
            yield cell


def label(cell):
    if int(cell["ext"]) != 0:
        name = text_of(cell["ext"]["name"], None)
        if name is not None:
            return name
    if int(cell["table"]) != 0:
        return text_of(cell["table"]["def"]["name"], "behaviour")
    return "body"


def cell_text(cell):
    return "%s %s" % (label(cell), address_text(int(cell["id"])))


def actor_text(node, actor_id):
    table = node["world"]["cells"]
    slot = actor_id & 0xffffffff
    if slot < int(table["used"]):
        cell = cell_at(table, slot)
        if int(cell["id"]) == actor_id:
            return cell_text(cell)
    return address_text(actor_id)


def stacks(cell):
    """Its suspended calls, the newest first."""
    at, dead = cell["stacks"], flag("SELF_DEAD")
    for _ in range(WALK_MAX):
        if int(at) == 0:
            return
        if not int(at["run"]["flags"]) & dead:
            yield at.dereference()
        at = at["next_stack"]


def running(node, cell):
    """(sched, self) of the call that runs for this actor, or None."""
    for sched, worker in workers(node):
        runs = worker["self"]
        if int(runs) != 0 and int(runs["cell"]) == int(cell.address) and int(sched["tid"]) != 0:
            return sched, runs.dereference()
    return None


def scopes(call):
    """Of one call, outermost first."""
    found, at = [], call["scope"]
    while int(at) != 0 and len(found) < WALK_MAX:
        found.append(at.dereference())
        at = at["outer"]
    return reversed(found)


# ---- in words ---------------------------------------------------------------------------------------------------


def now_of(node):
    """The time: a core knows only when its worker looked last, as does a node on a virtual clock."""
    now = max(int(worker["now"]) for _, worker in workers(node))
    if is_core() or bool(node["world"]["opts"]["virtual_clock"]):
        return now
    return max(now, time.monotonic_ns())


def seconds(nanoseconds):
    return "%.3f s" % (max(nanoseconds, 0) / 1e9)


def deadline_text(deadline, now):
    if deadline == NEVER:
        return ""
    if deadline < now:
        return ", overdue by " + seconds(now - deadline)
    return ", at most another " + seconds(deadline - now)


def wait_kind(wait):
    number = int(wait["kind"])
    try:
        for f in gdb.lookup_type("enum wait_kind").fields():
            if f.enumval == number:
                return f.name
    except gdb.error:
        pass
    return list(WORDS)[number] if number < len(WORDS) else "kind %d" % number


def wait_text(node, call, now):
    wait = call["wait"]
    kind = wait_kind(wait)
    words = "waits for " + WORDS.get(kind, kind)
    if kind == "WAIT_ASK":
        words += " " + actor_text(node, int(wait["ask"]["holder"]))
    elif kind in ("WAIT_ROOM", "WAIT_END"):
        words += " " + actor_text(node, int(wait["target"]))
    elif kind == "WAIT_ASKS":
        words += " (%d of %d to come)" % (int(wait["left"]), int(wait["n"]))
    elif kind == "WAIT_CHILDREN":
        words += " (%d alive)" % int(wait["owner"]["count"])
    elif kind == "WAIT_FD":
        words += " %d" % int(wait["fd"])
    words += ", for " + seconds(now - int(call["since"])) + deadline_text(int(wait["deadline"]), now)
    return words + handling_text(call)


def handling_text(call):
    row = call["row"]
    return ' (handling "%s")' % text_of(row["def"]["tag"], "?") if int(row) != 0 else ""


def life(node, cell):
    flags = int(cell["run"]["flags"])
    if running(node, cell):
        return "running"
    if flags & flag("CELL_CLOSED"):
        return "ending"
    if flags & flag("CELL_CANCELED"):
        return "cancelled"
    if int(cell["stacks"]) != 0:
        return "idle" if flags & flag("CELL_WANTS_MAIL") else "waiting"
    return "ready" if flags & flag("CELL_QUEUED") else "running" if flags & flag("CELL_BUSY") else "idle"


def actor_line(node, cell):
    return "%s, %s, mailbox %d (%d bytes)" % (cell_text(cell), life(node, cell), int(cell["len"]), int(cell["bytes"]))


# ---- stacks -----------------------------------------------------------------------------------------------------

REGISTERS = {"i386:x86-64": ("rip", "rsp", "rbp"), "aarch64": ("pc", "sp", "x29")}


class FrameId:
    """What gdb tells frames apart by: the stack's address and the code's."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class SuspendedUnwinder(gdb.unwinder.Unwinder):
    """Says of one frame, the innermost, that its caller is a suspended stack."""

    def __init__(self):
        super().__init__("troupe")
        self.values = None

    def __call__(self, pending):
        if self.values is None:
            return None
        values, self.values = self.values, None
        names = REGISTERS[pending.architecture().name()]
        typed = [gdb.Value(v).cast(pending.read_register(n).type) for v, n in zip(values, names)]
        below = typed[1] - 64  # callers lie above: gdb checks that
        info = pending.create_unwind_info(FrameId(below, pending.read_register(names[0])))
        for name, value in zip(names, typed):
            info.add_saved_register(name, value)
        return info


UNWINDER = SuspendedUnwinder()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


def context_of(call):
    """Instruction, stack and frame pointer of where it stopped; None: by ucontext, which gdb is not taught here."""
    context = call["coro"]["context"]
    if field(context, "sp") is None:
        return None
    return tuple(int(context[name]) for name in ("ip", "sp", "bp"))


def frames_from(frame):
    found = []
    while frame is not None and len(found) < WALK_MAX:
        found.append(frame)
        try:
            frame = frame.older()
        except gdb.error:
            break
    return found


def frame_text(frame):
    sal = frame.find_sal()
    name = frame.name() or "%#x" % frame.pc()
    inlined = " (inlined)" if frame.type() == gdb.INLINE_FRAME else ""
    if sal.symtab is None:
        return name + inlined
    return "%s at %s:%d%s" % (name, sal.symtab.filename.removeprefix(os.getcwd() + "/"), sal.line, inlined)


def is_runtime(frame):
    sal = frame.find_sal()
    return sal.symtab is not None and sal.symtab.filename.endswith(RUNTIME_FILES)


def write_frames(frames, indent):
    """Without how it was called and how it went to sleep."""
    n = 0
    for frame in frames:
        if is_runtime(frame):
            if n > 0:
                break
            continue
        print("%s#%d %s" % (indent, n, frame_text(frame)))
        n += 1


def write_suspended(call, indent):
    values = context_of(call)
    if values is None:
        print(indent + "(its stack was left by swapcontext, which this script does not unwind)")
        return
    if gdb.selected_thread() is None:
        print(indent + "(no thread is selected, and gdb unwinds from threads)")
        return
    gdb.invalidate_cached_frames()
    UNWINDER.values = values
    try:
        innermost = gdb.newest_frame()
        while innermost.type() == gdb.INLINE_FRAME:  # they share the registers of the one they are inlined into
            innermost = innermost.older()
        write_frames(frames_from(innermost.older()), indent)
    finally:
        UNWINDER.values = None
        gdb.invalidate_cached_frames()


def write_running(sched, indent):
    before = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        if thread.ptid[1] == int(sched["tid"]):
            thread.switch()
            write_frames(frames_from(gdb.newest_frame()), indent)
            if before is not None:
                before.switch()
            return
    print(indent + "(its thread %d is not here)" % int(sched["tid"]))


def write_calls(node, cell, now, indent, with_frames):
    runs = running(node, cell)
    if runs is not None:
        print(indent + "runs" + handling_text(runs[1]))
        if with_frames:
            write_running(runs[0], indent + "  ")
    for call in stacks(cell):
        if int(call["cell"]) != int(cell.address):
            print(indent + "(its stack is not in this core: the kernel's own cores have it, gdb's generate-core-file "
                  "stops at guard pages)")
            break
        print(indent + wait_text(node, call, now))
        if with_frames:
            write_suspended(call, indent + "  ")


# ---- commands ---------------------------------------------------------------------------------------------------


class Troupe(gdb.Command):
    """troupe: actors, their stacks, their scopes. See: help troupe actors"""

    def __init__(self):
        super().__init__("troupe", gdb.COMMAND_STACK, prefix=True)


class Actors(gdb.Command):
    """troupe actors [stacks]: every actor of every node, with what it waits for and since when."""

    def __init__(self):
        super().__init__("troupe actors", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for node in nodes():
            now = now_of(node)
            listed = list(cells(node))
            print("%s: %d actors" % (text_of(node["name"], "node"), len(listed)))
            for cell in listed:
                print(actor_line(node, cell))
                write_calls(node, cell, now, "  ", argument.strip() == "stacks")


class Stack(gdb.Command):
    """troupe stack ADDRESS: the stacks of an actor: <3.1>, 3.1, or its name."""

    def __init__(self):
        super().__init__("troupe stack", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        if not wanted:
            raise gdb.GdbError("which actor? troupe stack <3.1>, or its name; troupe actors lists them")
        found = 0
        for node in nodes():
            now = now_of(node)
            for cell in cells(node):
                if wanted.strip("<>") == address_text(int(cell["id"])).strip("<>") or wanted == label(cell):
                    found += 1
                    print(actor_line(node, cell))
                    write_calls(node, cell, now, "  ", True)
        if found == 0:
            raise gdb.GdbError("no actor is called %s; troupe actors lists them" % wanted)


class Scopes(gdb.Command):
    """troupe scopes: the tree of who answers for whom: the node, actors, and their scopes."""

    def __init__(self):
        super().__init__("troupe scopes", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for node in nodes():
            children = {}
            for cell in cells(node):
                children.setdefault(int(cell["owner"]), []).append(cell)
            print("%s" % text_of(node["name"], "node"))
            for _, worker in workers(node):
                self.write(node, children, int(worker["root"].address), 1)
            for left in children.values():
                for cell in left:
                    print("  (owner not known) " + cell_text(cell))

    def write(self, node, children, owner, depth):
        for cell in children.pop(owner, []):
            print("  " * depth + actor_line(node, cell))
            if int(cell["owned"]) != 0 and depth < WALK_MAX:
                self.write(node, children, int(cell["owned"]), depth + 1)
            runs = running(node, cell)
            for call in list(stacks(cell)) + ([runs[1]] if runs else []):
                for scope in scopes(call):
                    self.write_scope(node, children, scope, depth + 1)

    def write_scope(self, node, children, scope, depth):
        marks = "".join(", " + word for name, word in (("shield", "shielded"), ("canceled", "cancelled"))
                        if bool(scope[name]))
        print("  " * depth + "scope %s (%d alive%s)%s" % (
            text_of(scope["name"], "(no name)"), int(scope["owner"]["count"]), marks,
            deadline_text(int(scope["deadline"]), now_of(node))))
        if depth < WALK_MAX:
            self.write(node, children, int(scope.address), depth + 1)


Troupe()
Actors()
Stack()
Scopes()
