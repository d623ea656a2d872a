%% SPDX-License-Identifier: MIT
%% fork_join.erl - fork-join: N processes, each of which computes once and sends the result to the first
-module(fork_join).
-export([main/1]).

-define(FORK_STEPS, 4500).

main(N) ->
    Start = erlang:monotonic_time(nanosecond),
    Self = self(),
    fork(Self, 0, N),
    Sum = join(N, 0),
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("fork-join ~.3f ms ~b~n", [Spent / 1.0e6, Sum]).

fork(_, N, N) ->
    ok;
fork(To, I, N) ->
    spawn(fun() -> To ! {done, compute(?FORK_STEPS, I)} end),
    fork(To, I + 1, N).

join(0, Sum) ->
    Sum;
join(N, Sum) ->
    receive {done, X} -> join(N - 1, Sum + X) end.

compute(0, X) ->
    X;
compute(Steps, X) ->
    compute(Steps - 1, (X * 1103515 + 12345) band 16#7fffffff).
