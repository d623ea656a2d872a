/* SPDX-License-Identifier: MIT */
/* test_cookie.c - the jar: who gets which cookie, and the file */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture/fixture.h"

struct jar {
    tr_fetcher_opts pool;
    const char *paths[4]; /* fetched in turn; the last one's body is kept */
    const char *ask;      /* asked afterwards; NULL: nothing */
    struct fetch last;
    tr_err err;
    char text[400], lines[1000];
};

static void keep_lines(struct jar *j, const tr_msg *reply)
{
    tr_item lines = tr_arg(reply, 0);
    for (size_t i = 0; i < tr_item_count(lines); i++) {
        const char *line = "";
        if (tr_read(tr_item_at(lines, i), &line) == TR_OK)
            snprintf(j->lines + strlen(j->lines), sizeof j->lines - strlen(j->lines), "%s\n", line);
    }
}

static tr_err jar_main(tr_self *self, void *arg)
{
    struct jar *j = arg;
    const tr_msg *reply;
    tr_addr pool;
    j->pool.size = sizeof j->pool;
    tr_err err = tr_fetcher_spawn(self, &j->pool, &pool);
    if (err != TR_OK)
        return err;
    for (size_t i = 0; i < 4 && j->paths[i] != NULL; i++) {
        j->last = (struct fetch){ .url = j->paths[i][0] == '/' ? at(&web, j->paths[i]) : j->paths[i] };
        fetch_from(self, pool, &j->last);
    }
    if (j->ask == NULL)
        return TR_OK;
    j->err = tr_ask(self, pool, &reply, j->ask);
    if (j->err != TR_OK)
        snprintf(j->text, sizeof j->text, "%s", tr_error(self)->text);
    else if (strcmp(j->ask, "cookies") == 0)
        keep_lines(j, reply);
    return TR_OK;
}

static void cookie_is_sent_to_the_host_that_set_it_and_to_no_other(void **state)
{
    char other[100];
    struct jar j = { .pool = { .cookies = true }, .paths = { "/set-cookie/id/42", "/echo" } },
               k = { .pool = { .cookies = true }, .paths = { "/set-cookie/id/42", other } };
    (void) state;
    snprintf(other, sizeof other, "http://localhost:%d/echo", web.port);
    run_actor(jar_main, &j);
    assert_non_null(strstr(j.last.body, "[\"cookie\", \"id=42\"]"));
    run_actor(jar_main, &k);
    assert_int_equal(k.last.status, 200);
    assert_null(strstr(k.last.body, "id=42"));
}

static void pool_without_a_jar_forgets(void **state)
{
    struct jar j = { .paths = { "/set-cookie/id/42", "/echo" }, .ask = "cookies" };
    (void) state;
    run_actor(jar_main, &j);
    assert_null(strstr(j.last.body, "cookie"));
    assert_int_equal(j.err, TR_ESTATE);
    assert_string_equal(j.text, "this pool keeps no cookies; spawn it with cookies or a cookie_file");
}

static void cookies_are_told_and_cleared(void **state)
{
    struct jar j = { .pool = { .cookies = true }, .paths = { "/set-cookie/id/42" }, .ask = "cookies" };
    (void) state;
    run_actor(jar_main, &j);
    assert_string_equal(j.lines, "127.0.0.1\tFALSE\t/\tFALSE\t0\tid\t42\n");
    j = (struct jar){ .pool = { .cookies = true }, .paths = { "/set-cookie/id/42" }, .ask = "cookies_clear" };
    run_actor(jar_main, &j);
    assert_int_equal(j.err, TR_OK);
}

struct add {
    const char *line;
    tr_err err;
    struct fetch page;
};

static tr_err add_main(tr_self *self, void *arg)
{
    struct add *a = arg;
    const tr_fetcher_opts opts = { .size = sizeof opts, .cookies = true };
    const tr_msg *reply;
    tr_addr pool;
    tr_err err = tr_fetcher_spawn(self, &opts, &pool);
    if (err != TR_OK)
        return err;
    a->err = tr_ask(self, pool, &reply, "cookies_add", a->line);
    a->page.url = at(&web, "/echo");
    fetch_from(self, pool, &a->page);
    return TR_OK;
}

static void cookie_that_is_added_is_sent(void **state)
{
    struct add line = { .line = "127.0.0.1\tFALSE\t/\tFALSE\t0\ta\tb" },
               header = { .line = "Set-Cookie: a=b; Domain=127.0.0.1; Path=/" }, wrong = { .line = "ALL" };
    (void) state;
    run_actor(add_main, &line);
    assert_non_null(strstr(line.page.body, "[\"cookie\", \"a=b\"]"));
    run_actor(add_main, &header);
    assert_non_null(strstr(header.page.body, "[\"cookie\", \"a=b\"]"));
    run_actor(add_main, &wrong);
    assert_int_equal(wrong.err, TR_EINVAL);
}

/* ---- the file ---- */

static char dir[64], file[128];

static int dir_make(void **state)
{
    (void) state;
    snprintf(dir, sizeof dir, "/tmp/troupe-test-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/jar", dir);
    return 0;
}

static int dir_remove(void **state)
{
    (void) state;
    (void) unlink(file);
    return rmdir(dir); /* fails if anything else was left there */
}

static void file_write(const char *text)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void cookies_of_one_pool_are_kept_for_the_next(void **state)
{
    struct stat st;
    struct jar j = { .pool = { .cookie_file = file }, .paths = { "/set-cookie/id/42/Max-Age=1000/HttpOnly" } },
               k = { .pool = { .cookie_file = file }, .paths = { "/echo" } };
    (void) state;
    run_actor(jar_main, &j);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    run_actor(jar_main, &k);
    assert_non_null(strstr(k.last.body, "id=42"));
}

static void file_of_another_program_is_read(void **state)
{
    char lines[400];
    struct jar j = { .pool = { .cookie_file = file }, .paths = { "/echo" } };
    (void) state;
    snprintf(lines, sizeof lines,
             "# Netscape HTTP Cookie File\r\n\r\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\ta\tb\r\nno cookie\n"
             "127.0.0.1\tFALSE\t/\tFALSE\t1\told\tgone\n");
    file_write(lines);
    run_actor(jar_main, &j);
    assert_non_null(strstr(j.last.body, "[\"cookie\", \"a=b\"]"));
}

static void file_is_written_when_asked(void **state)
{
    struct jar j = { .pool = { .cookie_file = file }, .paths = { "/set-cookie/id/42" }, .ask = "cookies_save" };
    (void) state;
    run_actor(jar_main, &j);
    assert_int_equal(j.err, TR_OK);
    assert_int_equal(access(file, R_OK), 0);
}

static void file_that_cannot_be_written_is_an_error_of_saving(void **state)
{
    struct jar j = { .pool = { .cookie_file = "/nowhere/jar" },
                     .paths = { "/set-cookie/id/42" },
                     .ask = "cookies_save" },
               k = { .pool = { .cookie_file = "/dev/full" }, .paths = { "/set-cookie/id/42" }, .ask = "cookies_save" };
    (void) state;
    run_actor(jar_main, &j);
    assert_int_equal(j.err, TR_EIO);
    assert_string_equal(j.text, "cannot write cookies to /nowhere/jar: No such file or directory");
    run_actor(jar_main, &k);
    assert_int_equal(k.err, TR_EIO);
    assert_string_equal(k.text, "cannot write cookies to /dev/full: No space left on device");
}

static void file_that_cannot_be_read_fails_every_request(void **state)
{
    char text[200];
    struct jar j = { .pool = { .cookie_file = dir }, .paths = { "/echo", "/echo" } };
    (void) state;
    run_actor(jar_main, &j);
    snprintf(text, sizeof text, "cannot read cookies from %s: Is a directory", dir);
    assert_failed(&j.last, TR_EIO, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookie_is_sent_to_the_host_that_set_it_and_to_no_other),
        cmocka_unit_test(pool_without_a_jar_forgets),
        cmocka_unit_test(cookies_are_told_and_cleared),
        cmocka_unit_test(cookie_that_is_added_is_sent),
        cmocka_unit_test_setup_teardown(cookies_of_one_pool_are_kept_for_the_next, dir_make, dir_remove),
        cmocka_unit_test_setup_teardown(file_of_another_program_is_read, dir_make, dir_remove),
        cmocka_unit_test_setup_teardown(file_is_written_when_asked, dir_make, dir_remove),
        cmocka_unit_test(file_that_cannot_be_written_is_an_error_of_saving),
        cmocka_unit_test_setup_teardown(file_that_cannot_be_read_fails_every_request, dir_make, dir_remove),
    };
    return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
