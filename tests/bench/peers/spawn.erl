%% SPDX-License-Identifier: MIT
%% spawn.erl - spawn: what one process costs to make, N in a row, all alive; the last answers before the clock stops
-module(spawn).
-export([main/1]).

main(N) ->
    Before = erlang:system_info(process_count),
    Start = erlang:monotonic_time(nanosecond),
    Last = make(N, undefined),
    Last ! {ping, self()},
    receive pong -> ok end,
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("spawn ~.3f ns ~b~n", [Spent / N, erlang:system_info(process_count) - Before]).

make(0, Last) ->
    Last;
make(N, _) ->
    make(N - 1, spawn(fun idler/0)).

idler() ->
    receive
        {ping, From} -> From ! pong, idler()
    end.
