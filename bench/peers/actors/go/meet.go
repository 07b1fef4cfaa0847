// SPDX-License-Identifier: Apache-2.0

// The two items of Savina in which actors wait for each other: chameneos meet in a mall, accounts ask accounts.
package main

import "time"

// ---- chameneos ----

type meeting struct {
	who      chan meeting // nil: the mall is closed
	colour   int
	isAnswer bool
}

// Both get the third colour, or keep the one they share.
func blend(a, b int) int {
	if a == b {
		return a
	}
	return 3 - a - b
}

// The mall sends the newcomer's message to the one that waits, who answers to the newcomer; both come again.
func creature(mall chan meeting, colour int, met chan int) {
	mailbox := make(chan meeting, 2)
	count := 0
	mall <- meeting{mailbox, colour, false}
	for m := range mailbox {
		if m.who == nil {
			break
		}
		mine := colour
		colour = blend(mine, m.colour)
		count++
		if !m.isAnswer {
			m.who <- meeting{mailbox, mine, true}
		}
		mall <- meeting{mailbox, colour, false}
	}
	met <- count
}

func chameneos() float64 {
	const creatures, meetings = 100, 200000
	mall := make(chan meeting, creatures)
	met := make(chan int, creatures)
	start := time.Now()
	for i := 0; i < creatures; i++ {
		go creature(mall, i%3, met)
	}
	for i := 0; i < meetings; i++ {
		first, second := <-mall, <-mall
		first.who <- second
	}
	sum := 0
	for i := 0; i < creatures; i++ {
		(<-mall).who <- meeting{}
	}
	for i := 0; i < creatures; i++ {
		sum += <-met
	}
	if sum != 2*meetings {
		panic(sum)
	}
	return nsEach(start, meetings)
}

// ---- bank ----

// An order to send an amount to another account, or, without one, what such an order brings.
type transfer struct {
	amount int
	to     chan transfer
	done   chan bool
}

func account(mailbox chan transfer, statement chan int) {
	balance := 1000000
	receipt := make(chan bool, 1)
	for t := range mailbox {
		if t.to == nil {
			balance += t.amount
		} else {
			balance -= t.amount
			t.to <- transfer{t.amount, nil, receipt}
			<-receipt
		}
		t.done <- true
	}
	statement <- balance
}

// From a lower account to a higher one, so that nobody waits in a circle.
func bank() float64 {
	const count, transfers = 1000, 50000
	accounts := make([]chan transfer, count)
	statements := make(chan int, count)
	done := make(chan bool, transfers)
	for i := range accounts {
		accounts[i] = make(chan transfer, 256)
		go account(accounts[i], statements)
	}
	random := uint64(88172645463325252)
	below := func(n int) int {
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		return int(random % uint64(n))
	}
	start := time.Now()
	for i := 0; i < transfers; i++ {
		from := below(count / 10 * 8)
		to := from + 1 + below(count-from-1)
		accounts[from] <- transfer{below(1000), accounts[to], done}
	}
	for i := 0; i < transfers; i++ {
		<-done
	}
	total := 0
	for _, a := range accounts {
		close(a)
	}
	for range accounts {
		total += <-statements
	}
	if total != count*1000000 {
		panic(total)
	}
	return nsEach(start, transfers)
}
