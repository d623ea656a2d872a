%% SPDX-License-Identifier: MIT
%% count.erl - count: one process sends N messages to a counter
-module(count).
-export([main/1]).

main(N) ->
    To = spawn(fun() -> counter(0) end),
    produce(To, N div 10),
    Start = erlang:monotonic_time(nanosecond),
    Total = produce(To, N),
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("count ~.3f ns ~b~n", [Spent / N, Total]).

counter(Total) ->
    receive
        {add, N} -> counter(Total + N);
        {take, From} -> From ! {total, Total}, counter(0)
    end.

produce(To, 0) ->
    To ! {take, self()},
    receive {total, Total} -> Total end;
produce(To, N) ->
    To ! {add, 1},
    produce(To, N - 1).
