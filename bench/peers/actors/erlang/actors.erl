%% SPDX-License-Identifier: Apache-2.0
%%
%% Erlang/OTP: an actor is a process.
%%
%%   erl +S N:N +P 4000000 -noshell -s actors main ITEM REPETITIONS     prints one line of JSON a figure
-module(actors).
-export([main/1, generator_start/4]).
-nifs([generator_start/4]).

main([Item, Repetitions]) ->
    put(repetitions, list_to_integer(atom_to_list(Repetitions))),
    try run(atom_to_list(Item)) of
        absent -> halt(3);
        _ -> halt(0)
    catch
        C:R:S -> io:format(standard_error, "~p ~p ~p~n", [C, R, S]), halt(1)
    end.

run("ping-pong") -> measure("ping-pong", "ns", fun() -> ping_pong(300000, [], []) end);
run("ping-pong-cross") ->
    measure("ping-pong-cross", "ns", fun() -> ping_pong(20000, [{scheduler, 1}], [{scheduler, 2}]) end);
run("many-to-one") -> measure("many-to-one", "ns", fun many_to_one/0);
run("ring") -> measure("ring", "ns", fun ring/0);
run("spawn") -> measure("spawn", "ns", fun spawn_all/0);
run("idle-bytes") -> idle_bytes();
run("big") -> measure("big", "ns", fun big/0);
run("fork-join") -> measure("fork-join", "ns", fun fork_join/0);
run("chameneos") -> measure("chameneos", "ns", fun chameneos/0);
run("bank") -> measure("bank", "ns", fun bank/0);
run("fibonacci") -> measure("fibonacci", "ms", fun fibonacci/0);
run("skynet") -> measure("skynet", "ms", fun skynet/0);
run("open-loop") -> open_loop();
run("broadcast-4") -> measure("broadcast-4", "ns", fun() -> broadcast(4) end);
run("tasks-foreign-" ++ _) -> absent;
run("tasks-" ++ N = Item) -> measure(Item, "us", fun() -> tasks(list_to_integer(N), 2000) end);
run(_) -> absent.

now_ns() -> erlang:monotonic_time(nanosecond).

report(Item, Unit, Values) ->
    Text = lists:join(",", [io_lib:format("~.3f", [float(V)]) || V <- Values]),
    io:format("{\"item\":\"~s\",\"unit\":\"~s\",\"peak_rss_mb\":~.1f,\"values\":[~s]}~n", [Item, Unit, peak_mb(), Text]).

peak_mb() ->
    {ok, Text} = file:read_file("/proc/self/status"),
    {match, [Kb]} = re:run(Text, "VmHWM:\\s+(\\d+)", [{capture, [1], list}]),
    list_to_integer(Kb) / 1024.

%% One to warm up, then those that count; each in a process of its own, so that no garbage is carried over.
measure(Item, Unit, One) ->
    Run = fun() -> Me = self(), P = spawn(fun() -> Me ! {self(), One()} end), receive {P, V} -> V end end,
    Run(),
    report(Item, Unit, [Run() || _ <- lists:seq(1, get(repetitions))]).

%% ---- ping-pong ----

ping_pong(Rounds, Options1, Options2) ->
    Me = self(),
    Start = now_ns(),
    Pong = spawn_opt(fun pong/0, Options1),
    spawn_opt(fun() -> ping(Rounds, Pong), Me ! done end, Options2),
    receive done -> ok end,
    Ns = (now_ns() - Start) / Rounds,
    exit(Pong, kill),
    Ns.

pong() -> receive {From, V} -> From ! V, pong() end.

ping(0, _) -> ok;
ping(N, Pong) -> Pong ! {self(), N}, receive N -> ping(N - 1, Pong) end.

%% ---- many to one, ring ----

many_to_one() ->
    Me = self(),
    Start = now_ns(),
    Receiver = spawn_opt(fun() -> take(10000000), Me ! done end, [{message_queue_data, off_heap}]),
    [spawn(fun() -> send_all(Receiver, 100000) end) || _ <- lists:seq(1, 100)],
    receive done -> ok end,
    (now_ns() - Start) / 10000000.

take(0) -> ok;
take(N) -> receive _ -> take(N - 1) end.

send_all(_, 0) -> ok;
send_all(To, N) -> To ! N, send_all(To, N - 1).

ring() ->
    Me = self(),
    Hops = 2000000,
    First = spawn(fun() -> receive {next, P} -> node_loop(P, Me) end end),
    Last = lists:foldl(fun(_, Next) -> spawn(fun() -> node_loop(Next, Me) end) end, First, lists:seq(1, 99)),
    First ! {next, Last},
    Start = now_ns(),
    First ! Hops,
    receive done -> ok end,
    Ns = (now_ns() - Start) / Hops,
    First ! stop,
    Ns.

node_loop(Next, Me) ->
    receive
        0 -> Me ! done, node_loop(Next, Me);
        stop -> Next ! stop;
        N -> Next ! N - 1, node_loop(Next, Me)
    end.

%% ---- many actors ----

spawn_all() ->
    N = 1000000,
    Me = self(),
    Start = now_ns(),
    spawn(fun() -> spawn_loop(N, Me) end),
    take(N),
    (now_ns() - Start) / N.

spawn_loop(0, _) -> ok;
spawn_loop(N, To) ->
    P = spawn(fun() -> receive V -> To ! V end end),
    P ! N,
    spawn_loop(N - 1, To).

idle_bytes() ->
    N = 1000000,
    Before = rss_bytes(),
    Keep = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, N)],
    timer:sleep(500),
    report("idle-bytes", "bytes", [(rss_bytes() - Before) / length(Keep)]).

rss_bytes() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:lexemes(binary_to_list(Text), " "),
    list_to_integer(Pages) * 4096.

%% ---- Savina ----

big() ->
    N = 1000,
    Pings = 1000,
    Me = self(),
    Peer = fun(I) -> receive {all, All} -> peer(All, N, Pings, (I * 2654435761 + 1) band 16#ffffffff, Me) end end,
    Pids = [spawn(fun() -> Peer(I) end) || I <- lists:seq(1, N)],
    All = list_to_tuple(Pids),
    [P ! {all, All} || P <- Pids],
    Start = now_ns(),
    [P ! go || P <- Pids],
    take(N),
    Ns = (now_ns() - Start) / (N * Pings * 2),
    [exit(P, kill) || P <- Pids],
    Ns.

%% xorshift of 32 bits: a small integer stays one
peer(All, N, Left, R, Host) ->
    receive
        {ping, From} -> From ! pong, peer(All, N, Left, R, Host);
        _ when Left =:= 0 -> Host ! done, peer(All, N, Left, R, Host);
        _ ->
            R1 = (R bxor (R bsl 13)) band 16#ffffffff,
            R2 = R1 bxor (R1 bsr 17),
            R3 = (R2 bxor (R2 bsl 5)) band 16#ffffffff,
            element(R3 rem N + 1, All) ! {ping, self()},
            peer(All, N, Left - 1, R3, Host)
    end.

fork_join() ->
    Hands = 60,
    Each = 10000,
    Me = self(),
    Pids = [spawn(fun() -> hand(Each, 0.0, Me) end) || _ <- lists:seq(1, Hands)],
    Start = now_ns(),
    deal(Pids, Each),
    take(Hands),
    (now_ns() - Start) / (Hands * Each).

hand(0, Sum, Dealer) -> Dealer ! {done, Sum};
hand(N, Sum, Dealer) -> receive _ -> hand(N - 1, Sum + 37.2 * 37.2, Dealer) end.

deal(_, 0) -> ok;
deal(Pids, N) -> [P ! N || P <- Pids], deal(Pids, N - 1).

%% The mall sends the newcomer's message to the one that waits, who answers to the newcomer; both come again.
chameneos() ->
    Creatures = 100,
    Meetings = 200000,
    Me = self(),
    Start = now_ns(),
    [spawn(fun() -> Me ! {meet, self(), I rem 3}, creature(Me, I rem 3, 0) end) || I <- lists:seq(1, Creatures)],
    mall(Meetings),
    [receive {meet, Who, _} -> Who ! closed end || _ <- lists:seq(1, Creatures)],
    Meetings = lists:sum([receive {met, N} -> N end || _ <- lists:seq(1, Creatures)]) div 2,
    (now_ns() - Start) / Meetings.

mall(0) -> ok;
mall(Left) ->
    First = receive {meet, Who, _} -> Who end,
    receive {meet, _, _} = Second -> First ! Second end,
    mall(Left - 1).

creature(Mall, Colour, Met) ->
    receive
        {meet, Other, Theirs} -> Other ! {answer, Colour}, go_again(Mall, blend(Colour, Theirs), Met + 1);
        {answer, Theirs} -> go_again(Mall, blend(Colour, Theirs), Met + 1);
        closed -> Mall ! {met, Met}
    end.

go_again(Mall, Colour, Met) -> Mall ! {meet, self(), Colour}, creature(Mall, Colour, Met).

%% The third colour, or the one both share.
blend(A, A) -> A;
blend(A, B) -> 3 - A - B.

%% From a lower account to a higher one, so that nobody waits in a circle.
bank() ->
    Count = 1000,
    Transfers = 50000,
    Me = self(),
    Accounts = list_to_tuple([spawn(fun() -> account(1000000, Me) end) || _ <- lists:seq(1, Count)]),
    process_flag(message_queue_data, off_heap), % or each collection would walk through what is queued
    rand:seed(exsss, 1),
    Start = now_ns(),
    order(Transfers, Accounts, Count),
    take(Transfers),
    [A ! {close, Me} || A <- tuple_to_list(Accounts)],
    Total = lists:sum([receive {balance, B} -> B end || _ <- lists:seq(1, Count)]),
    Total = 1000000 * Count,
    (now_ns() - Start) / Transfers.

order(0, _, _) -> ok;
order(Left, Accounts, Count) ->
    From = rand:uniform(Count div 10 * 8),
    To = From + rand:uniform(Count - From),
    element(From, Accounts) ! {order, element(To, Accounts), rand:uniform(1000)},
    order(Left - 1, Accounts, Count).

account(Balance, Teller) ->
    receive
        {order, To, Amount} ->
            Receipt = make_ref(), % the messages before it need not be searched
            To ! {money, self(), Receipt, Amount},
            receive Receipt -> ok end,
            Teller ! done,
            account(Balance - Amount, Teller);
        {money, From, Receipt, Amount} ->
            From ! Receipt,
            account(Balance + Amount, Teller);
        {close, From} ->
            From ! {balance, Balance}
    end.

fibonacci() ->
    Me = self(),
    Start = now_ns(),
    spawn(fun() -> fib(Me, 25) end),
    receive 75025 -> ok end,
    (now_ns() - Start) / 1.0e6.

fib(Parent, N) when N =< 2 -> Parent ! 1;
fib(Parent, N) ->
    Me = self(),
    spawn(fun() -> fib(Me, N - 1) end),
    spawn(fun() -> fib(Me, N - 2) end),
    Parent ! sum(2, 0).

sum(0, Sum) -> Sum;
sum(N, Sum) -> receive V -> sum(N - 1, Sum + V) end.

%% ---- skynet ----

skynet() ->
    Me = self(),
    Start = now_ns(),
    spawn(fun() -> sky(Me, 0, 1000000) end),
    receive 499999500000 -> ok end,
    (now_ns() - Start) / 1.0e6.

sky(Parent, Number, 1) -> Parent ! Number;
sky(Parent, Number, Size) ->
    Me = self(),
    Part = Size div 10,
    [spawn(fun() -> sky(Me, Number + I * Part, Part) end) || I <- lists:seq(0, 9)],
    Parent ! sum(10, 0).

%% ---- tasks ----

%% About 100 ns, in small integers.
compute(0, X) -> X;
compute(N, X) -> compute(N - 1, (X * 1103515245 + 12345) band 16#3fffffff).

tasks(N, Batches) ->
    Start = now_ns(),
    batches(N, Batches),
    (now_ns() - Start) / 1000 / Batches.

batches(_, 0) -> ok;
batches(N, Left) ->
    Me = self(),
    start_tasks(N, Me),
    take(N),
    batches(N, Left - 1).

start_tasks(0, _) -> ok;
start_tasks(N, Me) -> spawn(fun() -> Me ! compute(60, N) end), start_tasks(N - 1, Me).

%% ---- open loop: the foreign thread is in generator.c ----

generator_start(_Pids, _GapNs, _Count, _Unused) -> erlang:nif_error(not_loaded).

open_loop() ->
    ok = erlang:load_nif(filename:join(filename:dirname(code:which(?MODULE)), "generator"), 0),
    Receivers = 64,
    Count = 200000,
    Me = self(),
    Pids = [spawn(fun() -> receiver([], Count div Receivers, Me) end) || _ <- lists:seq(1, Receivers)],
    ok = generator_start(list_to_tuple(Pids), 10000, Count, 0),
    Delays = list_to_tuple(lists:sort(lists:append([receive {delays, D} -> D end || _ <- Pids]))),
    Us = fun(Share) -> [element(trunc(tuple_size(Delays) * Share) + 1, Delays) / 1000] end,
    report("open-loop-p50", "us", Us(0.5)),
    report("open-loop-p99", "us", Us(0.99)),
    report("open-loop-p99.9", "us", Us(0.999)).

receiver(Delays, 0, Me) -> Me ! {delays, Delays};
receiver(Delays, Left, Me) ->
    receive Due -> receiver([erlang:monotonic_time(nanosecond) - Due | Delays], Left - 1, Me) end.

%% ---- broadcast ----

broadcast(Subscribers) ->
    Events = 300000,
    Me = self(),
    Start = now_ns(),
    Pids = [spawn(fun() -> take(Events), Me ! done end) || _ <- lists:seq(1, Subscribers)],
    spawn(fun() -> publish(Events, Pids) end),
    take(Subscribers),
    (now_ns() - Start) / Events.

publish(0, _) -> ok;
publish(N, Pids) -> [P ! N || P <- Pids], publish(N - 1, Pids).
