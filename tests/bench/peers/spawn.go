// SPDX-License-Identifier: MIT
// spawn.go - spawn: what a goroutine with a channel to reach it by costs to make
//
// cold: N in a row, all alive; the last answers before the clock stops. recycled: a thousand at a time, after the
// thousand before them have ended; only the making is timed.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const batch = 1000

type message struct{ reply chan struct{} }

func idler(in chan message, ended *sync.WaitGroup) {
	for m := range in {
		m.reply <- struct{}{}
	}
	if ended != nil {
		ended.Done()
	}
}

func cold(n int64) {
	in := make([]chan message, n)
	before := runtime.NumGoroutine()
	start := time.Now()
	for i := range in {
		in[i] = make(chan message)
		go idler(in[i], nil)
	}
	reply := make(chan struct{})
	in[n-1] <- message{reply}
	<-reply
	spent := time.Since(start)
	fmt.Printf("spawn %.3f ns %d\n", float64(spent.Nanoseconds())/float64(n), runtime.NumGoroutine()-before)
}

func oneBatch(in []chan message) time.Duration {
	var ended sync.WaitGroup
	ended.Add(batch)
	start := time.Now()
	for i := range in {
		in[i] = make(chan message)
		go idler(in[i], &ended)
	}
	spent := time.Since(start)
	for i := range in {
		close(in[i])
	}
	ended.Wait()
	return spent
}

func recycled(n int64) {
	in := make([]chan message, batch)
	spent := time.Duration(0)
	made := int64(0)
	oneBatch(in)
	for ; made < n; made += batch {
		spent += oneBatch(in)
	}
	fmt.Printf("spawn %.3f ns %d\n", float64(spent.Nanoseconds())/float64(made), made)
}

func main() {
	n := int64(1000000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	if len(os.Args) > 2 && os.Args[2] == "recycled" {
		recycled(n)
	} else {
		cold(n)
	}
}
