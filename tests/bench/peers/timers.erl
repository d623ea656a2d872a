%% SPDX-License-Identifier: MIT
%% timers.erl - timers: N processes sleep for 0 to 999 ms
-module(timers).
-export([main/1]).

-define(SPREAD_MS, 1000).

main(N) ->
    Self = self(),
    Start = erlang:monotonic_time(nanosecond),
    [spawn(fun() -> timer:sleep(I rem ?SPREAD_MS), Self ! slept end) || I <- lists:seq(0, N - 1)],
    Slept = wait(N, 0),
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("timers ~.3f ms ~b~n", [Spent / 1.0e6, Slept]).

wait(N, N) ->
    N;
wait(N, Slept) ->
    receive slept -> wait(N, Slept + 1) end.
