%% SPDX-License-Identifier: MIT
%% ring.erl - ring: a token goes N hops around 503 processes
-module(ring).
-export([main/1]).

-define(RING_LEN, 503).

main(N) ->
    Judge = self(),
    Last = spawn(fun() -> linked(?RING_LEN - 1, Judge) end),
    First = lists:foldl(fun(Id, Next) -> spawn(fun() -> place(Id, Next, Judge) end) end,
                        Last, lists:seq(?RING_LEN - 2, 0, -1)),
    Last ! {link, First},
    go(First, N div 10),
    Start = erlang:monotonic_time(nanosecond),
    Holder = go(First, N),
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("ring ~.3f ns ~b~n", [Spent / N, Holder]).

go(First, N) ->
    First ! {hop, N},
    receive {done, Id} -> Id end.

linked(Id, Judge) ->
    receive {link, Next} -> place(Id, Next, Judge) end.

place(Id, Next, Judge) ->
    receive
        {hop, 0} -> Judge ! {done, Id};
        {hop, Left} -> Next ! {hop, Left - 1}
    end,
    place(Id, Next, Judge).
