// SPDX-License-Identifier: Apache-2.0
//
// The two items of Savina in which actors wait for each other: chameneos meet in a mall, accounts ask accounts.
use crate::{ns_each, runtime, xorshift};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

// ---- chameneos ----

struct Meeting {
    who: mpsc::UnboundedSender<Meeting>,
    colour: u32,
    is_answer: bool,
}

// Both get the third colour, or keep the one they share.
fn blend(a: u32, b: u32) -> u32 {
    if a == b {
        a
    } else {
        3 - a - b
    }
}

// The mall sends the newcomer's message to the one that waits, who answers to the newcomer; both come again.
async fn creature(mall: mpsc::UnboundedSender<Meeting>, mut colour: u32) -> u64 {
    let (who, mut mailbox) = mpsc::unbounded_channel();
    let mut met = 0;
    loop {
        let _ = mall.send(Meeting { who: who.clone(), colour, is_answer: false });
        let m: Meeting = mailbox.recv().await.unwrap();
        if m.who.same_channel(&who) {
            break; // closing time: its own message came back
        }
        if !m.is_answer {
            let _ = m.who.send(Meeting { who: who.clone(), colour, is_answer: true });
        }
        colour = blend(colour, m.colour);
        met += 1;
    }
    met
}

async fn mall(mut mailbox: mpsc::UnboundedReceiver<Meeting>, creatures: usize, meetings: u64) {
    for _ in 0..meetings {
        let (first, second) = (mailbox.recv().await.unwrap(), mailbox.recv().await.unwrap());
        let _ = first.who.send(second);
    }
    for _ in 0..creatures {
        let last = mailbox.recv().await.unwrap();
        let _ = last.who.clone().send(last);
    }
}

pub fn chameneos(workers: usize) -> f64 {
    const CREATURES: usize = 100;
    const MEETINGS: u64 = 200_000;
    runtime(workers).block_on(async {
        let start = Instant::now();
        let (to_mall, mailbox) = mpsc::unbounded_channel();
        let creatures: Vec<_> = (0..CREATURES).map(|i| tokio::spawn(creature(to_mall.clone(), i as u32 % 3))).collect();
        tokio::spawn(mall(mailbox, CREATURES, MEETINGS)).await.unwrap();
        let mut met = 0;
        for c in creatures {
            met += c.await.unwrap();
        }
        assert_eq!(met, 2 * MEETINGS);
        ns_each(start, MEETINGS)
    })
}

// ---- bank ----

enum Letter {
    Order { to: usize, amount: i64 },
    Money { amount: i64, receipt: oneshot::Sender<()> },
    Close,
}

type Accounts = Arc<Vec<mpsc::UnboundedSender<Letter>>>;

async fn account(mut mailbox: mpsc::UnboundedReceiver<Letter>, all: Accounts, done: mpsc::UnboundedSender<()>) -> i64 {
    let mut balance = 1_000_000;
    loop {
        match mailbox.recv().await.unwrap() {
            Letter::Order { to, amount } => {
                let (receipt, received) = oneshot::channel();
                balance -= amount;
                let _ = all[to].send(Letter::Money { amount, receipt });
                received.await.unwrap();
                done.send(()).unwrap();
            }
            Letter::Money { amount, receipt } => {
                balance += amount;
                receipt.send(()).unwrap();
            }
            Letter::Close => return balance,
        }
    }
}

// From a lower account to a higher one, so that nobody waits in a circle.
async fn teller(all: Accounts, transfers: u64, mut done: mpsc::UnboundedReceiver<()>) {
    let mut random = 88172645463325252u64;
    for _ in 0..transfers {
        let from = xorshift(&mut random) as usize % (all.len() / 10 * 8);
        let to = from + 1 + xorshift(&mut random) as usize % (all.len() - from - 1);
        let amount = (xorshift(&mut random) % 1000) as i64;
        let _ = all[from].send(Letter::Order { to, amount });
    }
    for _ in 0..transfers {
        done.recv().await.unwrap();
    }
    for a in all.iter() {
        let _ = a.send(Letter::Close);
    }
}

pub fn bank(workers: usize) -> f64 {
    const ACCOUNTS: usize = 1000;
    const TRANSFERS: u64 = 50_000;
    runtime(workers).block_on(async {
        let (senders, mailboxes): (Vec<_>, Vec<_>) = (0..ACCOUNTS).map(|_| mpsc::unbounded_channel()).unzip();
        let all = Arc::new(senders);
        let (done, receipts) = mpsc::unbounded_channel();
        let accounts: Vec<_> = mailboxes.into_iter().map(|m| tokio::spawn(account(m, all.clone(), done.clone()))).collect();
        let start = Instant::now();
        tokio::spawn(teller(all, TRANSFERS, receipts)).await.unwrap();
        let mut total = 0;
        for a in accounts {
            total += a.await.unwrap();
        }
        assert_eq!(total, 1_000_000 * ACCOUNTS as i64);
        ns_each(start, TRANSFERS)
    })
}
