/* SPDX-License-Identifier: MIT */
/* fuzz_codec.c - whatever the bytes: refused, or a message that prints, encodes, and comes back the same */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

static void print_both_ways(const tr_msg *m)
{
    char small[16];
    size_t len = tr_msg_print(m, small, sizeof small);
    char *text = malloc(len + 1);
    must(text != NULL && tr_msg_print(m, text, len + 1) == len, "a text has one length");
    must(strlen(text) == len, "a text holds no NUL");
    must(memcmp(text, small, strlen(small)) == 0, "a short buffer gets the beginning");
    free(text);
}

static void comes_back(const tr_msg *m)
{
    void *first, *second;
    size_t first_len, second_len;
    tr_msg *back;
    must(tr_msg_encode(m, &first, &first_len) == TR_OK, "what was decoded can be encoded");
    must(first_len <= m->size, "encoded, a message is no larger than its block");
    must(tr_msg_decode(first, first_len, NULL, &back, NULL) == TR_OK, "what was encoded can be decoded");
    must(tr_msg_encode(back, &second, &second_len) == TR_OK, "and encoded again");
    must(first_len == second_len && memcmp(first, second, first_len) == 0, "to the same bytes");
    free(first);
    free(second);
    tr_msg_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tr_msg *m, *copy;
    const char *why = NULL;
    tr_err valid = valid_check(data, size, NULL, NULL, NULL);
    tr_err err = tr_msg_decode(data, size, NULL, &m, &why);
    must(valid == TR_OK || err == valid, "what the validator refuses is not decoded");
    must(err == TR_OK || why != NULL, "a refusal has a reason");
    if (err != TR_OK)
        return 0;
    print_both_ways(m);
    comes_back(m);
    copy = msg_copy_heap(m);
    tr_msg_free(&m);
    must(copy != NULL, "a message can be copied");
    comes_back(copy);
    tr_msg_free(&copy);
    return 0;
}
