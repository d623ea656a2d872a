/* SPDX-License-Identifier: MIT */
/* errand.h - something to be done on a worker's thread, handed over by another
 *
 * Everything that crosses from one thread to another is one: a message or a reply on its way, a cancel, an end that is
 * told, a piece of work that a helper thread has finished. The hand-over is one compare-and-swap (errand_post); the
 * worker takes all that has come and runs each in the order in which it was posted, between turns, so that run may use
 * the worker like any code of its own. What one thread posts to one worker keeps its order.
 *
 * Intrusive: lies inside of what is handed over, which belongs to the worker from then on until run is called, and
 * after that is run's to free. */
#ifndef BASE_ERRAND_H
#define BASE_ERRAND_H

struct worker;

struct errand {
    struct errand *next;
    void (*run)(struct worker *w, struct errand *e);
};

#endif
