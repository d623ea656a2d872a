/* SPDX-License-Identifier: MIT */
/* order.c - what a request asks for: an argv, and a map of options
 *
 * An unknown option is an error that names it, since a limit that is silently ignored is a limit that does not hold. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static tr_err strings_read(tr_self *self, tr_item array, const char *what, const char *const **strings)
{
    size_t n = tr_item_count(array);
    if (tr_item_type(array) != TR_TYPE_ARRAY || n > TR_PROCESS_ARGS_MAX)
        return tr_fail_with(self, TR_EINVAL, "%s is an array of at most %d strings", what, TR_PROCESS_ARGS_MAX);
    const char **copy = tr_temp(self, (n + 1) * sizeof *copy);
    if (copy == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        if (tr_read(tr_item_at(array, i), &copy[i]) != TR_OK)
            return tr_fail_with(self, TR_EINVAL, "%s: element %zu is no string", what, i);
    *strings = copy;
    return TR_OK;
}

/* "NAME=value" of a pair. */
static const char *env_pair(tr_self *self, tr_item map, size_t i)
{
    const char *name, *value;
    if (tr_read(tr_item_key(map, i), &name) != TR_OK || tr_read(tr_item_at(map, i), &value) != TR_OK)
        return NULL;
    size_t size = strlen(name) + strlen(value) + 2;
    char *pair = tr_temp(self, size);
    if (pair != NULL)
        snprintf(pair, size, "%s=%s", name, value);
    return pair;
}

static tr_err env_read(tr_self *self, tr_item map, const char *const **env)
{
    size_t n = tr_item_count(map);
    if (tr_item_type(map) != TR_TYPE_MAP || n > TR_PROCESS_ARGS_MAX)
        return tr_fail_with(self, TR_EINVAL, "env is a map of at most %d names and values", TR_PROCESS_ARGS_MAX);
    const char **copy = tr_temp(self, (n + 1) * sizeof *copy);
    if (copy == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        if ((copy[i] = env_pair(self, map, i)) == NULL)
            return tr_fail_with(self, TR_EINVAL, "env: names and values are strings");
    *env = copy;
    return TR_OK;
}

static bool read_size(tr_item value, size_t *size)
{
    int64_t n;
    if (tr_read(value, &n) != TR_OK || n <= 0)
        return false;
    *size = (size_t) n;
    return true;
}

static bool read_input(tr_item value, tr_run_opts *run)
{
    tr_bytes bytes;
    if (tr_read(value, &bytes) != TR_OK)
        return false;
    run->input = bytes.len > 0 ? bytes.data : "";
    run->input_len = bytes.len;
    return true;
}

static bool read_merge(tr_item value, tr_stdio *err)
{
    bool merge;
    if (tr_read(value, &merge) != TR_OK)
        return false;
    err->kind = merge ? TR_STDIO_OUT : TR_STDIO_PIPE;
    return true;
}

static tr_err option_read(tr_self *self, const char *key, tr_item value, struct order *o)
{
    bool ok;
    if (strcmp(key, "env") == 0)
        return env_read(self, value, &o->child.env);
    if (strcmp(key, "dir") == 0)
        ok = tr_read(value, &o->child.dir) == TR_OK;
    else if (strcmp(key, "group") == 0)
        ok = tr_read(value, &o->child.group) == TR_OK;
    else if (strcmp(key, "grace_ms") == 0)
        ok = tr_read(value, &o->child.grace_ms) == TR_OK;
    else if (strcmp(key, "merge") == 0)
        ok = read_merge(value, &o->child.err);
    else if (strcmp(key, "input") == 0)
        ok = read_input(value, &o->run);
    else if (strcmp(key, "timeout_ms") == 0)
        ok = tr_read(value, &o->run.timeout_ms) == TR_OK;
    else if (strcmp(key, "output_max") == 0)
        ok = read_size(value, &o->run.output_max);
    else
        return tr_fail_with(self, TR_EINVAL, "there is no option %s", key);
    return ok ? TR_OK : tr_fail_with(self, TR_EINVAL, "option %s has a value of another type, or out of range", key);
}

tr_err order_read(tr_self *self, const tr_msg *m, struct order *o)
{
    const tr_stdio pipe_end = { .kind = TR_STDIO_PIPE };
    *o = (struct order){ .child = { .size = sizeof o->child, .out = pipe_end, .err = pipe_end },
                         .run = { .size = sizeof o->run } };
    o->child.in.kind = TR_STDIO_NULL;
    tr_item options = tr_arg(m, 1);
    tr_err err = strings_read(self, tr_arg(m, 0), "argv", &o->child.argv);
    for (size_t i = 0; err == TR_OK && i < tr_item_count(options); i++) {
        const char *key;
        if (tr_read(tr_item_key(options, i), &key) != TR_OK)
            return tr_fail_with(self, TR_EINVAL, "options are named by strings");
        err = option_read(self, key, tr_item_at(options, i), o);
    }
    return err;
}
