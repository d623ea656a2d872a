/* SPDX-License-Identifier: MIT */
/* troupe.h - everything a program needs; includes and nothing else */
#ifndef TROUPE_H
#define TROUPE_H

#include "base.h"
#include "value.h"
#include "message.h"
#include "actor.h"
#include "await.h"
#include "scope.h"
#include "flow.h"
#include "share.h"
#include "time.h"
#include "child.h"
#include "input.h"
#include "io.h"
#include "stream.h"
#include "net.h"
#include "offload.h"
#include "resolve.h"
#include "signal.h"
#include "node.h"
#include "module.h"

#endif
