// SPDX-License-Identifier: MIT
// ask.go - ask: a goroutine asks another N times; the reply channel is made once and travels in the request
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

type request struct {
	n     int64
	reply chan int64
}

func successor(in chan request) {
	for r := range in {
		r.reply <- r.n + 1
	}
}

func askMany(to chan request, n int64) int64 {
	reply := make(chan int64, 1)
	sum := int64(0)
	for i := int64(0); i < n; i++ {
		to <- request{i, reply}
		sum += <-reply
	}
	return sum
}

func main() {
	n := int64(5000000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	to := make(chan request)
	go successor(to)
	askMany(to, n/10)
	start := time.Now()
	sum := askMany(to, n)
	fmt.Printf("ask %.3f ns %d\n", float64(time.Since(start).Nanoseconds())/float64(n), sum)
}
