%% SPDX-License-Identifier: MIT
%% skynet.erl - skynet: a tree of processes, ten to each branch, N leaves
-module(skynet).
-export([main/1]).

-define(WAYS, 10).

main(N) ->
    Start = erlang:monotonic_time(nanosecond),
    Self = self(),
    spawn(fun() -> branch(Self, 0, N) end),
    Sum = receive S -> S end,
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("skynet ~.3f ms ~b~n", [Spent / 1.0e6, Sum]).

branch(Up, First, 1) ->
    Up ! First;
branch(Up, First, Leaves) ->
    Self = self(),
    Part = Leaves div ?WAYS,
    [spawn(fun() -> branch(Self, First + I * Part, Part) end) || I <- lists:seq(0, ?WAYS - 1)],
    Up ! sum(?WAYS, 0).

sum(0, Total) ->
    Total;
sum(N, Total) ->
    receive S -> sum(N - 1, Total + S) end.
