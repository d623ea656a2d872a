%% SPDX-License-Identifier: MIT
%% ask.erl - ask: a process asks another N times; a fresh reference tells the replies apart
-module(ask).
-export([main/1]).

main(N) ->
    To = spawn(fun successor/0),
    ask_many(To, 0, N div 10, 0),
    Start = erlang:monotonic_time(nanosecond),
    Sum = ask_many(To, 0, N, 0),
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("ask ~.3f ns ~b~n", [Spent / N, Sum]).

successor() ->
    receive
        {From, Ref, N} ->
            From ! {Ref, N + 1},
            successor()
    end.

ask_many(_, N, N, Sum) ->
    Sum;
ask_many(To, I, N, Sum) ->
    Ref = make_ref(),
    To ! {self(), Ref, I},
    receive
        {Ref, Next} -> ask_many(To, I + 1, N, Sum + Next)
    end.
