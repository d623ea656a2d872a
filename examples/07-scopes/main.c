/* SPDX-License-Identifier: MIT */
/* 07-scopes - structured concurrency: start, race, move on, stop kindly, clean up, and errors as a list */
#include <stdio.h>

#include <troupe/troupe.h>

/* ---- a server that says when it is ready, and finishes what it has begun when it is asked to stop ---- */

static tr_err serve(tr_self *self, void *arg)
{
    (void) arg;
    const tr_msg *m;
    tr_err err;
    while ((err = tr_recv(self, &m)) == TR_OK)
        if (tr_is(m, "get"))
            tr_check(self, tr_reply(self, m, "page") == TR_OK);
    return err;
}

static tr_err server(tr_self *self, void *arg)
{
    tr_err err = tr_sleep(self, 10); /* binding, listening, reading certificates */
    if (err == TR_OK)
        err = tr_ready(self, "listening", 8080);
    if (err == TR_OK)
        err = tr_until_stop(self, serve, arg);
    if (err == TR_STOP) { /* asked to stop, not cancelled: it may still wait */
        printf("server: %s\n", tr_stop_reason(self));
        err = tr_sleep(self, 20);
    }
    return err;
}

/* ---- two ways to the same thing, raced as trio's and RFC 8305's happy eyeballs ---- */

static tr_err fetch_from(tr_self *self, void *arg)
{
    const char *mirror = arg;
    tr_err err = tr_sleep(self, mirror[0] == 'a' ? 5000 : 20);
    return err == TR_OK ? tr_result(self, mirror) : err;
}

static tr_err race_mirrors(tr_self *self)
{
    tr_racer racers[] = { { .body = fetch_from, .arg = "a" }, { .body = fetch_from, .arg = "b" } };
    const tr_race_opts opts = { .size = sizeof opts, .delay_ms = 50 }; /* b starts if a takes longer than that */
    const tr_msg *result;
    const char *mirror = "?";
    tr_err err = tr_race(self, &opts, racers, 2, NULL, &result);
    if (err != TR_OK)
        return err;
    (void) !tr_read(tr_arg(result, 0), &mirror);
    printf("mirror %s was first, and the other has ended\n", mirror);
    return TR_OK;
}

/* ---- time limits that nest ---- */

static tr_err write_report(tr_self *self, void *arg)
{
    (void) arg;
    return tr_sleep(self, 5000);
}

static tr_err report_or_not(tr_self *self, void *arg)
{
    bool moved_on;
    tr_err err = tr_move_on(self, 30, write_report, arg, &moved_on); /* trio.move_on_after */
    if (err == TR_OK && moved_on)
        printf("the report took too long: going on without\n");
    if (err == TR_OK)
        err = tr_within(self, 10, write_report, arg); /* trio.fail_after */
    if (err == TR_ETIMEDOUT)
        printf("the second one had to be there: %s\n", tr_error(self)->text);
    return err == TR_ETIMEDOUT ? TR_OK : err;
}

/* ---- cleanup that has to wait ---- */

static tr_err say_goodbye(tr_self *self, void *arg)
{
    (void) arg;
    tr_err err = tr_sleep(self, 10);
    if (err == TR_OK)
        printf("goodbye was said, although it was cancelled\n");
    return err;
}

static tr_err connection(tr_self *self, void *arg)
{
    tr_err err = tr_sleep(self, 5000); /* cancelled here, and in every call that follows */
    if (err != TR_OK)
        (void) !tr_shield(self, 1000, say_goodbye, arg); /* but not in here, for at most a second */
    return err;
}

static tr_err cancel_soon(tr_self *self, tr_scope *scope, void *arg)
{
    tr_err err = tr_spawn_in(self, scope, connection, arg, NULL);
    if (err == TR_OK)
        err = tr_sleep(self, 10);
    tr_scope_cancel(self, scope, "enough");
    return err;
}

/* ---- more than one failure ---- */

static tr_err fails(tr_self *self, void *arg)
{
    return tr_fail_with(self, TR_EUSER, "disk %s is full", (const char *) arg);
}

static tr_err two_disks(tr_self *self, tr_scope *scope, void *arg)
{
    (void) arg;
    tr_err err = tr_spawn_in(self, scope, fails, "one", NULL);
    return err == TR_OK ? tr_spawn_in(self, scope, fails, "two", NULL) : err;
}

static void list_failures(tr_self *self)
{
    const tr_scope_opts opts = { .size = sizeof opts, .keep_going = true };
    tr_err err = tr_scope_run(self, &opts, two_disks, NULL);
    printf("%s, and %zu errors:\n", tr_err_name(err), tr_error_count(self));
    for (size_t i = 0; i < tr_error_count(self); i++)
        printf("  %s\n", tr_error_at(self, i)->text);
}

/* ---- all of it ---- */

static tr_err in_scope(tr_self *self, tr_scope *scope, void *arg)
{
    tr_addr where;
    const tr_msg *value;
    int port = 0;
    tr_err err = tr_start(self, scope, server, arg, &where, &value); /* await nursery.start(server) */
    if (err != TR_OK)
        return err;
    (void) tr_is(value, "listening", &port);
    printf("server: ready on port %d\n", port);
    err = tr_ask(self, where, NULL, "get");
    if (err == TR_OK)
        err = race_mirrors(self);
    if (err == TR_OK)
        err = report_or_not(self, arg);
    if (err == TR_OK)
        err = tr_scope_stop(self, scope, 1000, "closing time"); /* then cancel, then kill */
    return err;
}

static tr_err program(tr_self *self, void *arg)
{
    tr_err err = tr_scope_run(self, NULL, in_scope, arg);
    printf("everyone has gone home: %s\n", tr_err_name(err));
    if (err == TR_OK)
        err = tr_scope_run(self, NULL, cancel_soon, arg);
    list_failures(self);
    return err;
}

int main(void)
{
    return tr_main(program, NULL);
}
