// SPDX-License-Identifier: Apache-2.0

// Go: an actor is a goroutine with a channel for a mailbox. Channels are bounded; where an item needs a mailbox that never
// blocks, the channel is as large as what can be in it.
//
//	actors-go ITEM WORKERS REPETITIONS      prints one line of JSON a figure
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var repetitions int

func report(item, unit string, values []float64) {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	line, _ := json.Marshal(map[string]any{"item": item, "unit": unit, "values": values, "peak_rss_mb": float64(r.Maxrss) / 1024})
	fmt.Println(string(line))
}

// One to warm up, then those that count.
func measure(item, unit string, one func() float64) {
	one()
	values := make([]float64, repetitions)
	for i := range values {
		values[i] = one()
	}
	report(item, unit, values)
}

func nsEach(start time.Time, n int) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

// ---- ping-pong ----

func pingPong(rounds int, ownThreads bool) float64 {
	ping, pong := make(chan uint64, 1), make(chan uint64, 1)
	done := make(chan bool)
	start := time.Now()
	go func() {
		if ownThreads {
			runtime.LockOSThread()
		}
		for v := range ping {
			pong <- v
		}
	}()
	go func() {
		if ownThreads {
			runtime.LockOSThread()
		}
		for i := 0; i < rounds; i++ {
			ping <- uint64(i)
			<-pong
		}
		close(ping)
		done <- true
	}()
	<-done
	return nsEach(start, rounds)
}

// ---- many to one, ring ----

func manyToOne() float64 {
	const senders, each = 100, 100000
	mailbox := make(chan uint64, 1024)
	start := time.Now()
	for i := 0; i < senders; i++ {
		go func() {
			for j := 0; j < each; j++ {
				mailbox <- uint64(j)
			}
		}()
	}
	for i := 0; i < senders*each; i++ {
		<-mailbox
	}
	return nsEach(start, senders*each)
}

func ring() float64 {
	const nodes, hops = 100, 10000000
	done := make(chan bool)
	mailboxes := make([]chan uint64, nodes)
	for i := range mailboxes {
		mailboxes[i] = make(chan uint64, 1)
	}
	for i := range mailboxes {
		go func(in, out chan uint64) {
			for left := range in {
				if left == 0 {
					done <- true
					return
				}
				out <- left - 1
			}
		}(mailboxes[i], mailboxes[(i+1)%nodes])
	}
	start := time.Now()
	mailboxes[0] <- hops
	<-done
	ns := nsEach(start, hops)
	for i := 1; i < nodes; i++ {
		close(mailboxes[i])
	}
	return ns
}

// ---- many actors ----

func spawn() float64 {
	const n = 1000000
	answers := make(chan uint64, 1024)
	start := time.Now()
	go func() {
		for i := 0; i < n; i++ {
			mailbox := make(chan uint64, 1)
			go func() { answers <- <-mailbox }()
			mailbox <- uint64(i)
		}
	}()
	for i := 0; i < n; i++ {
		<-answers
	}
	return nsEach(start, n)
}

func rssBytes() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	return pages * float64(os.Getpagesize())
}

func idleBytes() {
	const n = 1000000
	keep := make([]chan uint64, n)
	runtime.GC()
	before := rssBytes()
	for i := range keep {
		mailbox := make(chan uint64, 1)
		keep[i] = mailbox
		go func() {
			for range mailbox {
			}
		}()
	}
	time.Sleep(500 * time.Millisecond)
	report("idle-bytes", "bytes", []float64{(rssBytes() - before) / n})
	runtime.KeepAlive(keep)
}

// ---- Savina ----

type ball struct {
	isPing bool
	from   int
}

func big() float64 {
	const peers, pings = 1000, 1000
	mailboxes := make([]chan ball, peers)
	for i := range mailboxes {
		mailboxes[i] = make(chan ball, peers+1) // each has at most one ping out
	}
	done := make(chan bool, peers)
	for i := range mailboxes {
		go func(id int) {
			random := uint64(id)*2654435761 + 1
			left := pings
			for b := range mailboxes[id] {
				if b.isPing {
					mailboxes[b.from] <- ball{false, id}
					continue
				}
				if left == 0 {
					done <- true
					continue
				}
				left--
				random ^= random << 13
				random ^= random >> 7
				random ^= random << 17
				mailboxes[random%peers] <- ball{true, id}
			}
		}(i)
	}
	start := time.Now()
	for _, m := range mailboxes {
		m <- ball{}
	}
	for i := 0; i < peers; i++ {
		<-done
	}
	ns := nsEach(start, peers*pings*2)
	for _, m := range mailboxes {
		close(m)
	}
	return ns
}

func forkJoin() float64 {
	const hands, each = 60, 10000
	mailboxes := make([]chan uint64, hands)
	done := make(chan float64, hands)
	for i := range mailboxes {
		mailboxes[i] = make(chan uint64, 1024)
		go func(in chan uint64) {
			sum := 0.0
			for range in {
				sum += 37.2 * 37.2
			}
			done <- sum
		}(mailboxes[i])
	}
	start := time.Now()
	go func() {
		for j := uint64(0); j < each; j++ {
			for _, m := range mailboxes {
				m <- j
			}
		}
		for _, m := range mailboxes {
			close(m)
		}
	}()
	for i := 0; i < hands; i++ {
		<-done
	}
	return nsEach(start, hands*each)
}

func fib(n uint64, to chan uint64) {
	if n <= 2 {
		to <- 1
		return
	}
	sums := make(chan uint64, 2)
	go fib(n-1, sums)
	go fib(n-2, sums)
	to <- <-sums + <-sums
}

func fibonacci() float64 {
	result := make(chan uint64, 1)
	start := time.Now()
	go fib(25, result)
	if v := <-result; v != 75025 {
		panic(v)
	}
	return nsEach(start, 1) / 1e6
}

// ---- skynet ----

func sky(to chan uint64, number, size uint64) {
	if size == 1 {
		to <- number
		return
	}
	sums := make(chan uint64, 10)
	for i := uint64(0); i < 10; i++ {
		go sky(sums, number+i*(size/10), size/10)
	}
	var sum uint64
	for i := 0; i < 10; i++ {
		sum += <-sums
	}
	to <- sum
}

func skynet() float64 {
	result := make(chan uint64, 1)
	start := time.Now()
	go sky(result, 0, 1000000)
	if v := <-result; v != 499999500000 {
		panic(v)
	}
	return nsEach(start, 1) / 1e6
}

// ---- tasks ----

//go:noinline
func compute() uint64 {
	x := uint64(88172645463325252)
	for i := 0; i < 60; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// main is a goroutine, too: inside and from a foreign thread are the same here.
func tasks(n int) float64 {
	const batches = 4000
	start := time.Now()
	for b := 0; b < batches; b++ {
		answers := make(chan uint64, n)
		for i := 0; i < n; i++ {
			go func() { answers <- compute() }()
		}
		for i := 0; i < n; i++ {
			<-answers
		}
	}
	return nsEach(start, batches) / 1e3
}

// ---- open loop ----

var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

func sleepUntil(monotonic int64) {
	t := syscall.NsecToTimespec(monotonic)
	syscall.Syscall6(syscall.SYS_CLOCK_NANOSLEEP, 1, 1, uintptr(unsafe.Pointer(&t)), 0, 0, 0)
}

func monotonic() int64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

type due struct {
	at     int64
	number int
}

func openLoop() {
	const receivers, gap, count = 64, int64(10000), 200000
	delays := make([]int64, count)
	var arrived int64
	mailboxes := make([]chan due, receivers)
	for i := range mailboxes {
		mailboxes[i] = make(chan due, 4096)
		go func(in chan due) {
			for d := range in {
				delays[d.number] = now() - d.at
				atomic.AddInt64(&arrived, 1)
			}
		}(mailboxes[i])
	}
	time.Sleep(200 * time.Millisecond)
	var done sync.WaitGroup
	done.Add(1)
	go func() { // the foreign thread: a goroutine with an OS thread of its own, asleep in the kernel
		runtime.LockOSThread()
		syscall.RawSyscall6(syscall.SYS_PRCTL, 29, 1, 0, 0, 0, 0)
		offset := monotonic() - now()
		start := now() + 1000000
		for i := 0; i < count; {
			sleepUntil(start + int64(i)*gap + offset)
			for i < count && start+int64(i)*gap <= now() {
				mailboxes[i%receivers] <- due{start + int64(i)*gap, i}
				i++
			}
		}
		for k := 0; k < 5000 && atomic.LoadInt64(&arrived) < count; k++ {
			time.Sleep(time.Millisecond)
		}
		done.Done()
	}()
	done.Wait()
	sort.Slice(delays, func(a, b int) bool { return delays[a] < delays[b] })
	us := func(share float64) []float64 { return []float64{float64(delays[int(share*count)]) / 1e3} }
	report("open-loop-p50", "us", us(0.5))
	report("open-loop-p99", "us", us(0.99))
	report("open-loop-p99.9", "us", us(0.999))
}

// ---- broadcast ----

var sink uint64

func broadcast(subscribers int) float64 {
	const events = 1 << 20
	mailboxes := make([]chan uint64, subscribers)
	var done sync.WaitGroup
	done.Add(subscribers)
	for i := range mailboxes {
		mailboxes[i] = make(chan uint64, 65536)
		go func(in chan uint64) {
			var sum uint64
			for i := 0; i < events; i++ {
				sum += <-in
			}
			atomic.AddUint64(&sink, sum)
			done.Done()
		}(mailboxes[i])
	}
	start := time.Now()
	for e := uint64(0); e < events; e++ {
		for _, m := range mailboxes {
			m <- e
		}
	}
	done.Wait()
	return nsEach(start, events)
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: actors-go ITEM WORKERS REPETITIONS")
		os.Exit(2)
	}
	item := os.Args[1]
	workers, _ := strconv.Atoi(os.Args[2])
	repetitions, _ = strconv.Atoi(os.Args[3])
	runtime.GOMAXPROCS(workers)
	switch item {
	case "ping-pong":
		measure(item, "ns", func() float64 { return pingPong(500000, false) })
	case "ping-pong-cross":
		measure(item, "ns", func() float64 { return pingPong(20000, true) })
	case "many-to-one":
		measure(item, "ns", manyToOne)
	case "ring":
		measure(item, "ns", ring)
	case "spawn":
		measure(item, "ns", spawn)
	case "idle-bytes":
		idleBytes()
	case "big":
		measure(item, "ns", big)
	case "fork-join":
		measure(item, "ns", forkJoin)
	case "chameneos":
		measure(item, "ns", chameneos)
	case "bank":
		measure(item, "ns", bank)
	case "fibonacci":
		measure(item, "ms", fibonacci)
	case "skynet":
		measure(item, "ms", skynet)
	case "open-loop":
		openLoop()
	case "broadcast-4":
		measure(item, "ns", func() float64 { return broadcast(4) })
	default:
		n, err := strconv.Atoi(item[strings.LastIndex(item, "-")+1:])
		if err != nil || !strings.HasPrefix(item, "tasks-") {
			os.Exit(3) // not here
		}
		measure(item, "us", func() float64 { return tasks(n) })
	}
}
