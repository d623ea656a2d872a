/* SPDX-License-Identifier: MIT */
/* err.c - errors and addresses as text */
#include <stdio.h>

#include <troupe/base.h>

struct err_words {
    const char *name;
    const char *text;
};

#define WORDS(code, text) [code] = { #code, text }

static const struct err_words err_table[] = {
    WORDS(TR_OK, "no error"),
    WORDS(TR_EINVAL, "an argument is wrong"),
    WORDS(TR_ESTATE, "the call is not allowed here or now"),
    WORDS(TR_ENOMEM, "out of memory"),
    WORDS(TR_ENOPROC, "there is no such actor"),
    WORDS(TR_EFULL, "there is no room"),
    WORDS(TR_ETIMEDOUT, "the deadline came first"),
    WORDS(TR_ECANCELED, "it was cancelled"),
    WORDS(TR_EDEADLK, "waiting would never have ended"),
    WORDS(TR_EUNSENT, "the deadline came before the message could leave"),
    WORDS(TR_EBADMSG, "the message does not have the right shape"),
    WORDS(TR_EUNKNOWN, "the receiver does not understand this message"),
    WORDS(TR_ENOREPLY, "the receiver finished with the request and did not answer it"),
    WORDS(TR_EDOWN, "the receiver ended before it answered"),
    WORDS(TR_EFAILED, "the actor failed"),
    WORDS(TR_EBUSY, "someone else is using it"),
    WORDS(TR_ECLOSED, "it was closed"),
    WORDS(TR_ENOCONN, "the node cannot be reached"),
    WORDS(TR_EEXIST, "the name is taken"),
    WORDS(TR_ETOOBIG, "it is over a limit of size, count or depth"),
    WORDS(TR_EIO, "the operating system refused"),
    WORDS(TR_EKILLED, "it was killed"),
};

static const struct err_words *err_find(tr_err err)
{
    size_t i = (size_t) err;
    return i < sizeof err_table / sizeof err_table[0] ? &err_table[i] : NULL;
}

const char *tr_err_name(tr_err err)
{
    static _Thread_local char name[32];
    const struct err_words *words = err_find(err);
    int code = (int) err;
    if (words != NULL)
        return words->name;
    if (err == TR_STOP)
        return "TR_STOP";
    if (code == TR_EUSER)
        return "TR_EUSER";
    if (code > TR_EUSER)
        snprintf(name, sizeof name, "TR_EUSER+%d", code - (int) TR_EUSER);
    else
        snprintf(name, sizeof name, "tr_err(%d)", code);
    return name;
}

const char *tr_err_text(tr_err err)
{
    const struct err_words *words = err_find(err);
    if (words != NULL)
        return words->text;
    if (err == TR_STOP)
        return "the actor is done";
    return (int) err >= TR_EUSER ? "an error of the program's own" : "an unknown error";
}

const char *tr_addr_text(tr_addr a, char buf[TR_ADDR_TEXT_MAX])
{
    unsigned slot = (unsigned) (a.actor & UINT32_MAX);
    unsigned generation = (unsigned) (a.actor >> 32);
    if (a.node == 0)
        snprintf(buf, TR_ADDR_TEXT_MAX, "<%u.%u>", slot, generation);
    else
        snprintf(buf, TR_ADDR_TEXT_MAX, "<%llx:%u.%u>", (unsigned long long) a.node, slot, generation);
    return buf;
}
