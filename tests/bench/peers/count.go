// SPDX-License-Identifier: MIT
// count.go - count: one goroutine sends N messages to a counter over a channel that holds as many as our mailbox does
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const mailboxLen = 8192

type message struct {
	add  int64
	take chan int64 // nil: add; else the total is wanted
}

func counter(in chan message) {
	total := int64(0)
	for m := range in {
		if m.take != nil {
			m.take <- total
			total = 0
		} else {
			total += m.add
		}
	}
}

func produce(to chan message, n int64) int64 {
	for i := int64(0); i < n; i++ {
		to <- message{add: 1}
	}
	take := make(chan int64)
	to <- message{take: take}
	return <-take
}

func main() {
	n := int64(5000000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	to := make(chan message, mailboxLen)
	go counter(to)
	produce(to, n/10)
	start := time.Now()
	total := produce(to, n)
	fmt.Printf("count %.3f ns %d\n", float64(time.Since(start).Nanoseconds())/float64(n), total)
}
