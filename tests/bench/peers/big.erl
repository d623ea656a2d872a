%% SPDX-License-Identifier: MIT
%% big.erl - big: 120 processes, each of which pings another, drawn anew each time, and awaits its pong, N times
-module(big).
-export([main/1]).

-define(ACTORS, 120).

main(N) ->
    Sink = self(),
    Pids = [spawn(fun() -> begin_with(Sink) end) || _ <- lists:seq(1, ?ACTORS)],
    All = list_to_tuple(Pids),
    Start = erlang:monotonic_time(nanosecond),
    lists:foldl(fun(Pid, Seed) -> Pid ! {start, All, Seed, N}, Seed + 1 end, 0, Pids),
    [receive finished -> ok end || _ <- Pids],
    Spent = erlang:monotonic_time(nanosecond) - Start,
    [Pid ! count || Pid <- Pids],
    Check = lists:sum([receive {count, C} -> C end || _ <- Pids]),
    io:format("big ~.3f ns ~b~n", [Spent / (N * ?ACTORS), Check]).

%% A ping that comes before the start waits in the mailbox.
begin_with(Sink) ->
    receive
        {start, All, Seed, N} -> ping(Sink, All, Seed, N, 0)
    end.

ping(Sink, All, Random, 0, Count) ->
    Sink ! finished,
    loop(Sink, All, Random, -1, Count);
ping(Sink, All, Random, Left, Count) ->
    Next = (Random * 1103515 + 12345) band 16#7fffffff,
    element((Next bsr 8) rem ?ACTORS + 1, All) ! {ping, self(), Left - 1},
    loop(Sink, All, Next, Left - 1, Count).

loop(Sink, All, Random, Left, Count) ->
    receive
        {ping, From, Number} ->
            From ! {pong, Number},
            loop(Sink, All, Random, Left, Count + 1);
        {pong, Left} ->
            ping(Sink, All, Random, Left, Count + 1);
        count ->
            Sink ! {count, Count}
    end.
