/* SPDX-License-Identifier: MIT */
/* error_message.c - error replies: [code, text, phase, actor, cause]
 *
 * cause is nil, or an array of the same five: the error reply that led to this one. A chain nests at most as deep as
 * messages do; when there is no room for one more, the second newest makes place, because the newest says what the
 * asker met and the oldest what went wrong.
 */
#include "message/block.h"
#include "message/message.h"

enum error_part { ERROR_CODE, ERROR_TEXT, ERROR_PHASE, ERROR_ACTOR, ERROR_CAUSE, ERROR_PARTS };

static tr_value text_value(const char *s)
{
    return tr_str(s != NULL ? s : "");
}

static tr_err error_build(struct msg_pool *pool, tr_value *parts, tr_value cause, struct tr_msg **out)
{
    parts[ERROR_CAUSE] = cause;
    return msg_build(pool, parts, ERROR_PARTS, false, out, NULL);
}

/* The values of an error message as one array. */
static tr_value cause_value(const struct tr_msg *cause, tr_value items[TR_ARGS_MAX])
{
    size_t n = tr_argc(cause);
    for (size_t i = 0; i < n; i++)
        items[i] = tr_v_item(tr_arg(cause, i));
    return tr_arrayn(items, n);
}

struct tr_msg *msg_error(struct msg_pool *pool, tr_err err, const char *text, const char *phase, const char *actor,
                         const struct tr_msg *cause)
{
    tr_value items[TR_ARGS_MAX];
    tr_value parts[ERROR_PARTS] = { tr_int((int64_t) err), text_value(text), text_value(phase), text_value(actor) };
    struct tr_msg *m = NULL;
    tr_err built = error_build(pool, parts, cause != NULL ? cause_value(cause, items) : tr_nil(), &m);
    if (built == TR_ETOOBIG && cause != NULL && tr_argc(cause) > ERROR_CAUSE)
        built = error_build(pool, parts, tr_v_item(tr_arg(cause, ERROR_CAUSE)), &m);
    if (built == TR_ETOOBIG)
        built = error_build(pool, parts, tr_nil(), &m);
    if (built == TR_OK)
        m->kind = MSG_ERROR;
    return m;
}

/* ---- reading; an error message may come from outside, so nothing is taken for granted ---- */

static tr_err code_of(tr_item item)
{
    int32_t code;
    if (tr_item_read(item, tr_dest_make(TR_DEST_SIGNED, sizeof code, &code)) != TR_OK || code <= 0 || code == TR_STOP)
        return TR_EFAILED;
    return (tr_err) code;
}

static const char *text_of(tr_item item)
{
    const char *s;
    return tr_read(item, &s) == TR_OK ? s : "";
}

tr_err msg_error_code(const struct tr_msg *m)
{
    return code_of(tr_arg(m, ERROR_CODE));
}

const char *msg_error_text(const struct tr_msg *m)
{
    return text_of(tr_arg(m, ERROR_TEXT));
}

static void info_read(tr_error_info *info, const tr_item *parts)
{
    *info = (tr_error_info){
        .err = code_of(parts[ERROR_CODE]),
        .text = text_of(parts[ERROR_TEXT]),
        .phase = text_of(parts[ERROR_PHASE]),
        .actor = text_of(parts[ERROR_ACTOR]),
    };
}

size_t msg_error_read(const struct tr_msg *m, tr_error_info *chain, size_t n)
{
    tr_item parts[ERROR_PARTS];
    for (size_t i = 0; i < ERROR_PARTS; i++)
        parts[i] = tr_arg(m, i);
    size_t count = 0;
    while (count < n) {
        info_read(&chain[count], parts);
        if (count > 0)
            chain[count - 1].cause = &chain[count];
        count++;
        tr_item cause = parts[ERROR_CAUSE];
        if (tr_item_type(cause) != TR_TYPE_ARRAY)
            break;
        for (size_t i = 0; i < ERROR_PARTS; i++)
            parts[i] = tr_item_at(cause, i);
    }
    return count;
}
