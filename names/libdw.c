/* SPDX-License-Identifier: MIT */
/* libdw.c - stacks as names, by libdw: unwinds copies of stacks of this process, names functions and lines
 *
 * libdwfl unwinds threads of a process whose registers and memory it is told. Here the process is our own, its one
 * "thread" is the stack at hand, its memory is the copy, and nothing else is read but the files of the program. */
#include "names.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREAD 1 /* the name of our one thread */

struct names {
    Dwfl *dwfl;
    const tr_debug_stack *stack;
    tr_debug_frame_fn *fn;
    void *ctx;
    char here[512]; /* the working directory, with a slash behind it: file names are relative to it */
};

/* ---- what libdwfl asks ---- */

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
    const struct names *n = arg;
    const tr_debug_stack *s = n->stack;
    (void) dwfl;
    if (addr < s->low || s->size < sizeof *result || addr - s->low > s->size - sizeof *result)
        return false;
    memcpy(result, s->bytes + (addr - s->low), sizeof *result);
    return true;
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
    (void) dwfl;
    bool first = *thread_arg == NULL;
    *thread_arg = arg;
    return first ? THREAD : 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
    (void) dwfl;
    *thread_arg = arg;
    return tid == THREAD;
}

#if defined(__x86_64__)
#define REGISTER_BP 6 /* as DWARF numbers them */
#define REGISTER_SP 7
#elif defined(__aarch64__)
#define REGISTER_BP 29
#define REGISTER_SP 31
#endif

static bool set_initial_registers(Dwfl_Thread *thread, void *arg)
{
    const struct names *n = arg;
#ifdef REGISTER_SP
    const Dwarf_Word bp = n->stack->bp, sp = n->stack->sp;
    dwfl_thread_state_register_pc(thread, n->stack->ip);
    return dwfl_thread_state_registers(thread, REGISTER_BP, 1, &bp) &&
           dwfl_thread_state_registers(thread, REGISTER_SP, 1, &sp);
#else
    (void) n;
    (void) thread;
    return false;
#endif
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = next_thread,
    .get_thread = get_thread,
    .memory_read = memory_read,
    .set_initial_registers = set_initial_registers,
};

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

/* ---- one frame ---- */

static const char *relative(const struct names *n, const char *file)
{
    size_t len = strlen(n->here);
    return file != NULL && len > 1 && strncmp(file, n->here, len) == 0 ? file + len : file;
}

static const char *die_name(Dwarf_Die *die)
{
    Dwarf_Attribute attr;
    return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));
}

static bool is_function(Dwarf_Die *die)
{
    int tag = dwarf_tag(die);
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_entry_point;
}

/* Where the inlined function die was called. */
static void called_at(Dwarf_Die *cu, Dwarf_Die *die, tr_debug_frame *frame)
{
    Dwarf_Attribute attr;
    Dwarf_Files *files;
    Dwarf_Word value;
    frame->file = NULL;
    if (dwarf_getsrcfiles(cu, &files, NULL) != 0 ||
        dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attr), &value) != 0)
        return;
    frame->file = dwarf_filesrc(files, value, NULL, NULL);
    frame->line = dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attr), &value) == 0 ? (int) value : 0;
}

/* The frame of the innermost function at that place, and of those it was inlined into. *more: the walk goes on. False:
 * the place is not known well enough. */
static bool emit_functions(struct names *n, Dwarf_Die *cu, Dwarf_Die *innermost, tr_debug_frame *frame, bool *more)
{
    Dwarf_Die *scopes;
    int len = dwarf_getscopes_die(innermost, &scopes); /* as they are nested, not as they are written */
    bool emitted = false;
    *more = true;
    for (int i = 0; i < len && *more; i++) {
        if (!is_function(&scopes[i]))
            continue;
        frame->function = die_name(&scopes[i]);
        frame->inlined = dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine;
        frame->file = relative(n, frame->file);
        *more = n->fn(n->ctx, frame);
        emitted = true;
        if (!frame->inlined)
            break;
        called_at(cu, &scopes[i], frame);
    }
    if (len > 0)
        free(scopes);
    return emitted;
}

/* By debugging information. False: there is none for it. */
static bool emit_by_dwarf(struct names *n, Dwfl_Module *module, Dwarf_Addr at, tr_debug_frame *frame, bool *more)
{
    Dwarf_Addr bias;
    Dwarf_Die *scopes;
    bool emitted = false;
    Dwarf_Die *cu = dwfl_module_addrdie(module, at, &bias);
    int len = cu != NULL ? dwarf_getscopes(cu, at - bias, &scopes) : 0;
    for (int i = 0; i < len; i++)
        if (is_function(&scopes[i])) {
            emitted = emit_functions(n, cu, &scopes[i], frame, more);
            break;
        }
    if (len > 0)
        free(scopes);
    return emitted;
}

static void module_of(Dwfl_Module *module, Dwarf_Addr at, tr_debug_frame *frame)
{
    Dwarf_Addr start = 0;
    const char *name = dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
    const char *slash = name != NULL ? strrchr(name, '/') : NULL;
    frame->module = slash != NULL ? slash + 1 : name;
    frame->offset = at - start;
}

static int frame_found(Dwfl_Frame *state, void *arg)
{
    struct names *n = arg;
    Dwarf_Addr pc;
    bool exact, more = true;
    if (!dwfl_frame_pc(state, &pc, &exact))
        return DWARF_CB_ABORT;
    Dwarf_Addr at = exact ? pc : pc - 1; /* of a call: the one it comes from */
    tr_debug_frame frame = { .ip = pc };
    Dwfl_Module *module = dwfl_addrmodule(n->dwfl, at);
    if (module != NULL) {
        Dwfl_Line *line = dwfl_module_getsrc(module, at);
        module_of(module, at, &frame);
        if (line != NULL)
            frame.file = dwfl_lineinfo(line, NULL, &frame.line, NULL, NULL, NULL);
        if (emit_by_dwarf(n, module, at, &frame, &more))
            return more ? DWARF_CB_OK : DWARF_CB_ABORT;
        frame.function = dwfl_module_addrname(module, at);
        frame.file = relative(n, frame.file);
    }
    return n->fn(n->ctx, &frame) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* ---- what the runtime calls ---- */

static void names_close(void *symbols)
{
    struct names *n = symbols;
    dwfl_end(n->dwfl);
    free(n);
}

/* Anew for each listing: what is loaded changes. Modules are opened when a frame is in one. */
static void *names_open(void)
{
    struct names *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    if (getcwd(n->here, sizeof n->here - 1) != NULL)
        n->here[strlen(n->here)] = '/';
    n->dwfl = dwfl_begin(&callbacks);
    if (n->dwfl != NULL && dwfl_linux_proc_report(n->dwfl, getpid()) == 0 &&
        dwfl_report_end(n->dwfl, NULL, NULL) == 0 && dwfl_attach_state(n->dwfl, NULL, getpid(), &thread_callbacks, n))
        return n;
    names_close(n);
    return NULL;
}

static void names_walk(void *symbols, const tr_debug_stack *stack, tr_debug_frame_fn *fn, void *ctx)
{
    struct names *n = symbols;
    n->stack = stack;
    n->fn = fn;
    n->ctx = ctx;
    (void) dwfl_getthread_frames(n->dwfl, THREAD, frame_found, n); /* where it cannot go on, it ends */
    n->stack = NULL;
}

const tr_debug_symbols names_by_libdw = { sizeof names_by_libdw, names_open, names_close, names_walk };
