// SPDX-License-Identifier: MIT
// timers.go - timers: N goroutines sleep for 0 to 999 ms
//
// recycled: a second time, on the stacks of the first N.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const spreadMs = 1000

func sleepAll(n int64, sleep func(i int64)) time.Duration {
	var ended sync.WaitGroup
	ended.Add(int(n))
	start := time.Now()
	for i := int64(0); i < n; i++ {
		go func(i int64) {
			sleep(i)
			ended.Done()
		}(i)
	}
	ended.Wait()
	return time.Since(start)
}

func main() {
	n := int64(100000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	if len(os.Args) > 2 && os.Args[2] == "recycled" {
		together := time.Now().Add(spreadMs * time.Millisecond)
		sleepAll(n, func(int64) { time.Sleep(time.Until(together)) })
	}
	slept := int64(0)
	spent := sleepAll(n, func(i int64) {
		d := time.Duration(i%spreadMs) * time.Millisecond
		start := time.Now()
		time.Sleep(d)
		if time.Since(start) >= d {
			atomic.AddInt64(&slept, 1)
		}
	})
	fmt.Printf("timers %.3f ms %d\n", float64(spent.Nanoseconds())/1e6, slept)
}
