/* SPDX-License-Identifier: MIT */
/* site.h - a web site of a few pages that link to each other, one of them slow, for the crawler to crawl */
#ifndef SITE_H
#define SITE_H

#include <troupe/troupe.h>

/* A body; arg is a struct web that web_open (05-web-server) filled. Serves until it is cancelled. */
tr_err site_serve(tr_self *self, void *arg);

#endif
