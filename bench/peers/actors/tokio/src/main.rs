// SPDX-License-Identifier: Apache-2.0
//
// tokio: an actor is a task with an unbounded mpsc channel for a mailbox, on the multi-threaded runtime.
//
//   actors-tokio ITEM WORKERS REPETITIONS      prints one line of JSON a figure
mod meet;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{broadcast, mpsc, oneshot};

type Sender = mpsc::UnboundedSender<u64>;
type Receiver = mpsc::UnboundedReceiver<u64>;

struct Options {
    workers: usize,
    repetitions: usize,
}

fn status_kb(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn report(item: &str, unit: &str, values: &[f64]) {
    let text: Vec<String> = values.iter().map(|v| format!("{v:.3}")).collect();
    println!(
        "{{\"item\":\"{item}\",\"unit\":\"{unit}\",\"peak_rss_mb\":{:.1},\"values\":[{}]}}",
        status_kb("VmHWM:") / 1024.0,
        text.join(",")
    );
}

// One to warm up, then those that count.
fn measure(o: &Options, item: &str, unit: &str, mut one: impl FnMut() -> f64) {
    one();
    let values: Vec<f64> = (0..o.repetitions).map(|_| one()).collect();
    report(item, unit, &values);
}

fn runtime(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

fn ns_each(start: Instant, n: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / n as f64
}

// A value the compiler knows nothing about. (std::hint::black_box came with Rust 1.66; Debian 12 has 1.63.)
fn opaque<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

// ---- ping-pong ----

async fn ping(to: Sender, mut from: Receiver, rounds: u64) {
    for i in 0..rounds {
        to.send(i).unwrap();
        from.recv().await.unwrap();
    }
}

async fn pong(to: Sender, mut from: Receiver) {
    while let Some(v) = from.recv().await {
        if to.send(v).is_err() {
            break;
        }
    }
}

fn ping_pong(workers: usize) -> f64 {
    let rounds = 300_000;
    runtime(workers).block_on(async {
        let (to_pong, at_pong) = mpsc::unbounded_channel();
        let (to_ping, at_ping) = mpsc::unbounded_channel();
        let start = Instant::now();
        tokio::spawn(pong(to_ping, at_pong));
        tokio::spawn(ping(to_pong, at_ping, rounds)).await.unwrap();
        ns_each(start, rounds)
    })
}

// Two runtimes of one thread each.
fn ping_pong_cross() -> f64 {
    let rounds = 20_000;
    let alone = || Builder::new_current_thread().enable_all().build().unwrap();
    let (to_pong, at_pong) = mpsc::unbounded_channel();
    let (to_ping, at_ping) = mpsc::unbounded_channel();
    let other = std::thread::spawn(move || alone().block_on(pong(to_ping, at_pong)));
    let start = Instant::now();
    alone().block_on(ping(to_pong, at_ping, rounds));
    let ns = ns_each(start, rounds);
    other.join().unwrap();
    ns
}

// ---- many to one, ring ----

fn many_to_one(workers: usize) -> f64 {
    const SENDERS: u64 = 100;
    const EACH: u64 = 100_000;
    runtime(workers).block_on(async {
        tokio::spawn(async {
            let start = Instant::now();
            let (to, mut mailbox) = mpsc::unbounded_channel::<u64>();
            for _ in 0..SENDERS {
                let to = to.clone();
                tokio::spawn(async move {
                    for i in 0..EACH {
                        to.send(i).unwrap();
                        if i % 100 == 99 {
                            tokio::task::yield_now().await; // or it would fill gigabytes
                        }
                    }
                });
            }
            drop(to);
            let mut got = 0;
            while mailbox.recv().await.is_some() {
                got += 1;
            }
            assert_eq!(got, SENDERS * EACH);
            ns_each(start, got)
        })
        .await
        .unwrap()
    })
}

fn ring(workers: usize) -> f64 {
    const NODES: usize = 100;
    const HOPS: u64 = 5_000_000;
    runtime(workers).block_on(async {
        let (done, finished) = oneshot::channel();
        let mut done = Some(done);
        let (senders, receivers): (Vec<Sender>, Vec<Receiver>) = (0..NODES).map(|_| mpsc::unbounded_channel()).unzip();
        for (i, mut mailbox) in receivers.into_iter().enumerate() {
            let next = senders[(i + 1) % NODES].clone();
            let mut done = if i == 0 { done.take() } else { None }; // the hops are a multiple of the nodes
            tokio::spawn(async move {
                while let Some(left) = mailbox.recv().await {
                    if left == 0 {
                        if let Some(done) = done.take() {
                            done.send(()).unwrap();
                        }
                        break;
                    }
                    let _ = next.send(left - 1);
                }
            });
        }
        let start = Instant::now();
        senders[0].send(HOPS).unwrap();
        finished.await.unwrap();
        ns_each(start, HOPS)
    })
}

// ---- many actors ----

fn spawn(workers: usize) -> f64 {
    const N: u64 = 1_000_000;
    runtime(workers).block_on(async {
        tokio::spawn(async {
            let (answer, mut answers) = mpsc::unbounded_channel::<u64>();
            let start = Instant::now();
            for i in 0..N {
                let (to, mut mailbox) = mpsc::unbounded_channel::<u64>();
                let answer = answer.clone();
                tokio::spawn(async move { answer.send(mailbox.recv().await.unwrap()).unwrap() });
                to.send(i).unwrap();
            }
            for _ in 0..N {
                answers.recv().await.unwrap();
            }
            ns_each(start, N)
        })
        .await
        .unwrap()
    })
}

fn idle_bytes(workers: usize) {
    const N: usize = 1_000_000;
    runtime(workers).block_on(async {
        let mut keep: Vec<Sender> = Vec::with_capacity(N);
        let before = status_kb("VmRSS:");
        for i in 0..N {
            let (to, mut mailbox) = mpsc::unbounded_channel::<u64>();
            tokio::spawn(async move { while mailbox.recv().await.is_some() {} });
            if i % 1000 == 0 {
                tokio::task::yield_now().await;
            }
            keep.push(to);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        report("idle-bytes", "bytes", &[(status_kb("VmRSS:") - before) * 1024.0 / N as f64]);
        std::process::exit(0);
    });
}

// ---- Savina ----

enum Ball {
    Go,
    Ping(usize),
}

fn xorshift(s: &mut u64) -> u64 {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    *s
}

fn big(workers: usize) -> f64 {
    const PEERS: usize = 1000;
    const PINGS: u64 = 1000;
    runtime(workers).block_on(async {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..PEERS).map(|_| mpsc::unbounded_channel::<Ball>()).unzip();
        let senders = Arc::new(senders);
        let (done, mut finished) = mpsc::unbounded_channel::<u64>();
        let mut tasks = Vec::new();
        for (id, mut mailbox) in receivers.into_iter().enumerate() {
            let (senders, done) = (senders.clone(), done.clone());
            tasks.push(tokio::spawn(async move {
                let mut random = (id as u64).wrapping_mul(2654435761) + 1;
                let mut left = PINGS;
                while let Some(ball) = mailbox.recv().await {
                    match ball {
                        Ball::Ping(from) => {
                            let _ = senders[from].send(Ball::Go);
                        }
                        Ball::Go if left == 0 => done.send(1).unwrap(),
                        Ball::Go => {
                            left -= 1;
                            let _ = senders[(xorshift(&mut random) % PEERS as u64) as usize].send(Ball::Ping(id));
                        }
                    }
                }
            }));
        }
        let ns = tokio::spawn(async move {
            let start = Instant::now();
            for s in senders.iter() {
                let _ = s.send(Ball::Go);
            }
            for _ in 0..PEERS {
                finished.recv().await.unwrap();
            }
            ns_each(start, PEERS as u64 * PINGS * 2)
        })
        .await
        .unwrap();
        tasks.iter().for_each(|t| t.abort());
        ns
    })
}

fn fork_join(workers: usize) -> f64 {
    const HANDS: usize = 60;
    const EACH: u64 = 10_000;
    runtime(workers).block_on(async {
        let mut senders = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..HANDS {
            let (to, mut mailbox) = mpsc::unbounded_channel::<u64>();
            senders.push(to);
            tasks.push(tokio::spawn(async move {
                let mut sum = 0.0;
                for _ in 0..EACH {
                    mailbox.recv().await.unwrap();
                    sum += opaque(37.2) * 37.2;
                }
                sum
            }));
        }
        let start = Instant::now();
        tokio::spawn(async move {
            for i in 0..EACH {
                for s in &senders {
                    s.send(i).unwrap();
                }
                if i % 16 == 15 {
                    tokio::task::yield_now().await;
                }
            }
        });
        for t in tasks {
            t.await.unwrap();
        }
        ns_each(start, HANDS as u64 * EACH)
    })
}

fn fib(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if n <= 2 {
            return 1;
        }
        let (a, b) = (tokio::spawn(fib(n - 1)), tokio::spawn(fib(n - 2)));
        a.await.unwrap() + b.await.unwrap()
    })
}

fn fibonacci(workers: usize) -> f64 {
    runtime(workers).block_on(async {
        let start = Instant::now();
        assert_eq!(tokio::spawn(fib(25)).await.unwrap(), 75025);
        ns_each(start, 1) / 1e6
    })
}

// ---- skynet ----

fn sky(number: u64, size: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return number;
        }
        let children: [_; 10] = std::array::from_fn(|i| tokio::spawn(sky(number + i as u64 * (size / 10), size / 10)));
        let mut sum = 0;
        for c in children {
            sum += c.await.unwrap();
        }
        sum
    })
}

fn skynet(workers: usize) -> f64 {
    runtime(workers).block_on(async {
        let start = Instant::now();
        assert_eq!(tokio::spawn(sky(0, 1_000_000)).await.unwrap(), 499999500000);
        ns_each(start, 1) / 1e6
    })
}

// ---- tasks ----

fn compute() -> u64 {
    let mut x = opaque(88172645463325252u64);
    for _ in 0..60 {
        xorshift(&mut x);
    }
    opaque(x)
}

async fn batch(n: usize) {
    let (to, mut answers) = mpsc::unbounded_channel::<u64>();
    for _ in 0..n {
        let to = to.clone();
        tokio::spawn(async move { to.send(compute()).unwrap() });
    }
    for _ in 0..n {
        answers.recv().await.unwrap();
    }
}

fn tasks(workers: usize, n: usize) -> f64 {
    const BATCHES: u64 = 4000;
    runtime(workers).block_on(async move {
        tokio::spawn(async move {
            let start = Instant::now();
            for _ in 0..BATCHES {
                batch(n).await;
            }
            ns_each(start, BATCHES) / 1e3
        })
        .await
        .unwrap()
    })
}

// Each batch from the thread outside.
fn tasks_foreign(workers: usize, n: usize) -> f64 {
    const BATCHES: u64 = 1000;
    let r = runtime(workers);
    let start = Instant::now();
    for _ in 0..BATCHES {
        r.block_on(batch(n));
    }
    ns_each(start, BATCHES) / 1e3
}

// ---- open loop ----

extern "C" {
    fn prctl(option: i32, a: u64, b: u64, c: u64, d: u64) -> i32;
    fn clock_gettime(clock: i32, t: *mut [i64; 2]) -> i32;
    fn clock_nanosleep(clock: i32, flags: i32, t: *const [i64; 2], left: *mut [i64; 2]) -> i32;
}

fn now() -> u64 {
    let mut t = [0i64; 2];
    unsafe { clock_gettime(1, &mut t) };
    t[0] as u64 * 1_000_000_000 + t[1] as u64
}

fn sleep_until(ns: u64) {
    let t = [(ns / 1_000_000_000) as i64, (ns % 1_000_000_000) as i64];
    unsafe { clock_nanosleep(1, 1, &t, std::ptr::null_mut()) };
}

fn open_loop(workers: usize) {
    const RECEIVERS: usize = 64;
    const GAP: u64 = 10_000;
    const COUNT: u64 = 200_000;
    let r = runtime(workers);
    let delays: Arc<Vec<AtomicU64>> = Arc::new((0..COUNT).map(|_| AtomicU64::new(0)).collect());
    let arrived = Arc::new(AtomicU64::new(0));
    let mut senders = Vec::new();
    for _ in 0..RECEIVERS {
        let (to, mut mailbox) = mpsc::unbounded_channel::<(u64, u64)>();
        let (delays, arrived) = (delays.clone(), arrived.clone());
        r.spawn(async move {
            while let Some((number, due)) = mailbox.recv().await {
                delays[number as usize].store(now() - due, Relaxed);
                arrived.fetch_add(1, Relaxed);
            }
        });
        senders.push(to);
    }
    std::thread::sleep(Duration::from_millis(200));
    std::thread::spawn(move || {
        unsafe { prctl(29, 1, 0, 0, 0) };
        let start = now() + 1_000_000;
        let mut i = 0;
        while i < COUNT {
            sleep_until(start + i * GAP);
            while i < COUNT && start + i * GAP <= now() {
                senders[i as usize % RECEIVERS].send((i, start + i * GAP)).unwrap();
                i += 1;
            }
        }
        for _ in 0..5000 {
            if arrived.load(Relaxed) < COUNT {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    })
    .join()
    .unwrap();
    let mut sorted: Vec<u64> = delays.iter().map(|d| d.load(Relaxed)).collect();
    sorted.sort();
    let us = |share: f64| [sorted[(share * COUNT as f64) as usize] as f64 / 1e3];
    report("open-loop-p50", "us", &us(0.5));
    report("open-loop-p99", "us", &us(0.99));
    report("open-loop-p99.9", "us", &us(0.999));
}

// ---- broadcast ----

fn broadcast_to(workers: usize, subscribers: usize) -> f64 {
    const EVENTS: u64 = 1 << 20;
    runtime(workers).block_on(async move {
        let (to, _) = broadcast::channel::<u64>(EVENTS as usize);
        let tasks: Vec<_> = (0..subscribers)
            .map(|_| {
                let mut events = to.subscribe();
                tokio::spawn(async move {
                    let mut sum = 0u64;
                    for _ in 0..EVENTS {
                        sum = sum.wrapping_add(events.recv().await.unwrap());
                    }
                    sum
                })
            })
            .collect();
        let start = Instant::now();
        tokio::spawn(async move {
            for i in 0..EVENTS {
                to.send(i).unwrap();
                if i % 128 == 127 {
                    tokio::task::yield_now().await;
                }
            }
        });
        for t in tasks {
            t.await.unwrap();
        }
        ns_each(start, EVENTS)
    })
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() != 4 {
        eprintln!("usage: actors-tokio ITEM WORKERS REPETITIONS");
        std::process::exit(2);
    }
    let item = args[1].as_str();
    let o = Options { workers: args[2].parse().unwrap(), repetitions: args[3].parse().unwrap() };
    let w = o.workers;
    let number = item.rsplit('-').next().and_then(|n| n.parse::<usize>().ok());
    match (item, number) {
        ("ping-pong", _) => measure(&o, item, "ns", || ping_pong(w)),
        ("ping-pong-cross", _) => measure(&o, item, "ns", ping_pong_cross),
        ("many-to-one", _) => measure(&o, item, "ns", || many_to_one(w)),
        ("ring", _) => measure(&o, item, "ns", || ring(w)),
        ("spawn", _) => measure(&o, item, "ns", || spawn(w)),
        ("idle-bytes", _) => idle_bytes(w),
        ("big", _) => measure(&o, item, "ns", || big(w)),
        ("fork-join", _) => measure(&o, item, "ns", || fork_join(w)),
        ("chameneos", _) => measure(&o, item, "ns", || meet::chameneos(w)),
        ("bank", _) => measure(&o, item, "ns", || meet::bank(w)),
        ("fibonacci", _) => measure(&o, item, "ms", || fibonacci(w)),
        ("skynet", _) => measure(&o, item, "ms", || skynet(w)),
        ("open-loop", _) => open_loop(w),
        ("broadcast-4", _) => measure(&o, item, "ns", || broadcast_to(w, 4)),
        (_, Some(n)) if item.starts_with("tasks-foreign-") => measure(&o, item, "us", || tasks_foreign(w, n)),
        (_, Some(n)) if item.starts_with("tasks-") => measure(&o, item, "us", || tasks(w, n)),
        _ => std::process::exit(3), // not here
    }
}
