%% SPDX-License-Identifier: MIT
%% stuck.erl - stuck: a process starts a hundred others and then computes for 50 ms; the time until all hundred have run
-module(stuck).
-export([main/1]).

-define(BEHIND, 100).
-define(HOLD_NS, 50000000).

main(N) ->
    Rounds = [one_round() || _ <- lists:seq(1, N)],
    Spent = lists:sort([Ns || {Ns, _} <- Rounds]),
    Turns = lists:sum([Ran || {_, Ran} <- Rounds]),
    io:format("stuck ~.3f ms ~b~n", [lists:nth(N div 2 + 1, Spent) / 1.0e6, Turns]).

one_round() ->
    Self = self(),
    spawn(fun() -> hold(Self) end),
    Ran = [receive {ran, At} -> At end || _ <- lists:seq(1, ?BEHIND)],
    Start = receive {held_since, At} -> At end,
    timer:sleep(5),
    {lists:max(Ran) - Start, length(Ran)}.

hold(Judge) ->
    [spawn(fun() -> Judge ! {ran, erlang:monotonic_time(nanosecond)} end) || _ <- lists:seq(1, ?BEHIND)],
    Start = erlang:monotonic_time(nanosecond),
    spin(Start + ?HOLD_NS),
    Judge ! {held_since, Start}.

spin(Until) ->
    case erlang:monotonic_time(nanosecond) < Until of
        true -> spin(Until);
        false -> ok
    end.
